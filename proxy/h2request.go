package proxy

import (
	"bytes"
	"context"
	"net/http"
	"net/textproto"
	"net/url"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// requestH2 makes the transport's request out of the lines that an HTTP/1.1 endpoint would get.
func (x *exchange) requestH2(ctx context.Context, body *bodyReader) (*http.Request, error) {
	path, err := url.PathUnescape(string(x.path))
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: string(x.request.Method),
		URL: &url.URL{
			Scheme: x.choice.upstream.scheme(), Host: x.entry.Endpoint, Path: path, RawPath: string(x.path),
			RawQuery: string(x.request.Query), ForceQuery: x.request.HasQuery,
		},
		Host:   string(x.info.Host),
		Header: http.Header{"User-Agent": {""}}, // the transport adds no name of its own
	}
	if x.request.HasBody() {
		r.Body, r.ContentLength = body, x.request.Length
		if x.request.Chunked || x.request.Major == 2 {
			// The transport announces the names that are there already, which here the client's own Trailer field
			// does, and sends those that are there at the end of the body.
			body.trailers = make(http.Header)
			r.Trailer = body.trailers
		}
	}
	_, lines, _ := bytes.Cut(x.appendHead(nil), []byte("\r\n"))
	fields, err := message.ParseFields(nil, lines[:len(lines)-2], x.server.config.Limits.HeaderFields+16)
	if err != nil {
		return nil, err
	}
	for _, field := range fields {
		name := textproto.CanonicalMIMEHeaderKey(string(field.Name))
		switch {
		case field.Kind == message.Host, field.Kind == message.ContentLength, field.Kind.HopByHop():
		case field.Kind == message.Expect && (!x.request.ExpectsContinue || !x.request.HasBody()):
		case field.Kind == message.UserAgent:
			r.Header.Set(name, string(field.Value))
		default:
			r.Header[name] = append(r.Header[name], string(field.Value))
		}
	}
	if x.request.TakesTrailers {
		r.Header.Set("Te", "trailers")
	}
	return r.WithContext(ctx), nil
}
