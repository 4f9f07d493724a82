package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// connectLimit is the context key of a route's time-out for connecting.
type connectLimit struct{}

// newH2C makes the transport for endpoints that speak HTTP/2 by prior knowledge.
func newH2C(config *Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols:              protocols,
		DisableCompression:     true, // it would ask for gzip in the client's name
		IdleConnTimeout:        config.Timeouts.UpstreamIdle,
		MaxResponseHeaderBytes: int64(config.Limits.HeaderBytes),
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			limit := config.Timeouts.Connect
			if own, has := ctx.Value(connectLimit{}).(time.Duration); has {
				limit = own
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return config.DialContext(ctx, network, address)
		},
	}
}

// requestH2C makes the transport's request out of the lines that an HTTP/1.1 endpoint would get.
func (x *exchange) requestH2C(ctx context.Context, body *bodyReader) (*http.Request, error) {
	path, err := url.PathUnescape(string(x.path))
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: string(x.request.Method),
		URL: &url.URL{
			Scheme: "http", Host: x.entry.Endpoint, Path: path, RawPath: string(x.path),
			RawQuery: string(x.request.Query), ForceQuery: x.request.HasQuery,
		},
		Host:   string(x.request.Host),
		Header: http.Header{"User-Agent": {""}}, // the transport adds no name of its own
	}
	if x.request.HasBody() {
		r.Body, r.ContentLength = body, x.request.Length
	}
	_, lines, _ := bytes.Cut(x.appendHead(nil), []byte("\r\n"))
	fields, err := message.ParseFields(nil, lines[:len(lines)-2], x.server.config.Limits.HeaderFields+16)
	if err != nil {
		return nil, err
	}
	for _, field := range fields {
		name := textproto.CanonicalMIMEHeaderKey(string(field.Name))
		switch {
		case field.Kind == message.Host, field.Kind == message.ContentLength, field.Kind == message.Expect,
			field.Kind.HopByHop():
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

// bodyReader is the request's body as the transport reads it, from a goroutine of its own.
type bodyReader struct {
	exchange *exchange
	used     atomic.Bool // something was asked for

	reading sync.Mutex // held while a read is going on
	closed  atomic.Bool
	ended   atomic.Bool
	rest    []byte
	fault   *bodyFault
}

func (b *bodyReader) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	b.used.Store(true)
	for len(b.rest) == 0 {
		if b.closed.Load() {
			return 0, io.ErrClosedPipe
		}
		piece, err := b.exchange.front.body().Next()
		if errors.Is(err, io.EOF) {
			b.ended.Store(true)
			return 0, io.EOF
		}
		b.exchange.bytesIn += int64(len(piece))
		if limit := b.exchange.bodyLimit(); err == nil && limit > 0 && b.exchange.bytesIn > limit {
			err = errBodyTooLarge
		}
		if err != nil {
			b.fault = &bodyFault{err}
			return 0, b.fault
		}
		b.rest = piece
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close is called by the transport when it needs no more. A body that it has not touched is good for another attempt.
func (b *bodyReader) Close() error {
	if b.used.Load() && !b.closed.Swap(true) && !b.ended.Load() {
		b.exchange.front.cutBody()
	}
	return nil
}

// finish makes sure that nobody reads any more.
func (b *bodyReader) finish() {
	_ = b.Close()
	b.reading.Lock()
	defer b.reading.Unlock()
	var timeout net.Error
	if b.closed.Load() && b.fault != nil && errors.As(b.fault, &timeout) {
		b.fault = nil // it was cut off by Close
	}
}
