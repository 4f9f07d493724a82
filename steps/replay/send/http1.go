package send

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// maxInformational bounds the 1xx responses before the answer.
const maxInformational = 10

// http1 sends the request over HTTP/1 and reads the answer. reusable reports whether the connection can be used again.
func (s *session) http1() (answer record.Answer, reusable bool) {
	body := bodyOf(s.request)
	head := s.head(len(body))
	written := make(chan error, 1)
	go func() {
		// A controller may answer before it has read the body.
		_, err := s.conn.Write(append(head, body...))
		written <- err
	}()
	answer, reusable = s.readHTTP1()
	if !reusable {
		s.conn.Close()
	}
	if err := <-written; err != nil {
		reusable = false
	}
	return answer, reusable
}

// head is the request line and the header, or the raw bytes of the request.
func (s *session) head(bodyBytes int) []byte {
	r := s.request
	if r.Raw != "" {
		return latin1(r.Raw)
	}
	lines := headerLines(r)
	if cookies := s.jar.header(r.KeepCookies); cookies != "" {
		lines = append(lines, "Cookie: "+cookies)
	}
	if bodyBytes > 0 && !named(lines, "Content-Length") && !named(lines, "Transfer-Encoding") {
		lines = append(lines, "Content-Length: "+strconv.Itoa(bodyBytes))
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s %s\r\n", method(r), r.Target, version(r))
	for _, line := range lines {
		head.WriteString(line + "\r\n")
	}
	head.WriteString("\r\n")
	return head.Bytes()
}

// headerLines returns the header lines of a request.
func headerLines(r record.Request) []string {
	if r.OnlyHeaders != nil {
		return r.OnlyHeaders
	}
	var lines []string
	if r.Host != "" {
		lines = append(lines, "Host: "+r.Host)
	}
	return append(append(lines, "User-Agent: probe", "Accept: */*"), r.Headers...)
}

func named(lines []string, name string) bool {
	for _, line := range lines {
		if field, _, _ := strings.Cut(line, ":"); strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}

func method(r record.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func version(r record.Request) string {
	if r.Version == "" {
		return "HTTP/1.1"
	}
	return r.Version
}

// bodyOf returns the body of a request.
func bodyOf(r record.Request) []byte {
	if r.Body != "" {
		return []byte(r.Body)
	}
	return bytes.Repeat([]byte("x"), r.BodyBytes)
}

// latin1 returns the bytes whose numbers are those of the characters.
func latin1(text string) []byte {
	raw := make([]byte, 0, len(text))
	for _, c := range text {
		raw = append(raw, byte(c))
	}
	return raw
}

// readHTTP1 reads the answer to a request.
func (s *session) readHTTP1() (answer record.Answer, reusable bool) {
	requested := &http.Request{Method: method(s.request)} // it decides whether the answer has a body
	for range maxInformational {
		response, err := http.ReadResponse(s.conn.reader, requested)
		if err != nil {
			return record.Answer{Error: failure(err)}, false
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			response.Body.Close()
			continue
		}
		answer = s.read(response)
		if response.StatusCode == http.StatusSwitchingProtocols && s.request.WebSocket != "" {
			answer.WebSocket, answer.Error = echoWebSocket(s.conn, s.conn.reader, s.request.WebSocket)
			return answer, false
		}
		return answer, !response.Close && answer.Error == "" && response.StatusCode != http.StatusSwitchingProtocols
	}
	return record.Answer{Error: record.ErrorMalformed}, false
}

// read reads the body of a response, keeps its cookies, and returns it in the form of the record.
func (s *session) read(response *http.Response) record.Answer {
	defer response.Body.Close()
	if s.request.KeepCookies {
		s.jar.keep(response)
	}
	var body []byte
	var err error
	if response.StatusCode != http.StatusSwitchingProtocols {
		body, err = io.ReadAll(io.LimitReader(response.Body, maxBody))
	}
	answer := Describe(response, body)
	switch {
	case err == nil:
	case failure(err) == record.ErrorTimeout:
		answer.Error = record.ErrorTimeout
	default:
		answer.Error = record.ErrorCutOff
	}
	return answer
}

// errNoMessage is returned for a WebSocket that is closed, or sends something else than a text.
var errNoMessage = errors.New("not a text message")

// echoWebSocket sends a text over a connection that was switched to WebSocket, and returns the one that comes back.
func echoWebSocket(w io.Writer, r *bufio.Reader, text string) (string, record.Error) {
	if err := writeText(w, text); err != nil {
		return "", failure(err)
	}
	received, err := readText(r)
	switch {
	case errors.Is(err, errNoMessage):
		return "", record.ErrorMalformed
	case err != nil:
		return "", failure(err)
	}
	return received, ""
}
