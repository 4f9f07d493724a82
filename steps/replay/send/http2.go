package send

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// http2 sends the request over HTTP/2 and reads the answer.
func (s *session) http2(ctx context.Context) (record.Answer, error) {
	body := bytes.NewReader(bodyOf(s.request))
	request, err := http.NewRequestWithContext(ctx, method(s.request), "https://"+s.request.Host+s.request.Target, body)
	if err != nil {
		return record.Answer{}, fmt.Errorf("a request of the record can't be sent over HTTP/2: %w", err)
	}
	for _, line := range headerLines(s.request) {
		name, value, _ := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Add(name, value)
	}
	if cookies := s.jar.header(s.request.KeepCookies); cookies != "" {
		request.Header.Add("Cookie", cookies)
	}
	if s.conn.handshake.ALPN != "h2" {
		return record.Answer{Error: record.ErrorMalformed}, nil // the controller doesn't offer HTTP/2
	}
	// The library's own Accept-Encoding would change the answer.
	transport := &http2.Transport{DisableCompression: true}
	conn, err := transport.NewClientConn(s.conn)
	if err != nil {
		return record.Answer{Error: failure(err)}, nil // a failure of the connection is an answer
	}
	defer conn.Close() //nolint:errcheck // the answer was read
	response, err := conn.RoundTrip(request)
	if err != nil {
		return record.Answer{Error: failure(err)}, nil
	}
	answer := s.read(response)
	answer.Version = response.Proto
	return answer, nil
}
