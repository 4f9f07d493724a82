package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// bodyReader is the request's body as the transport reads it, from a goroutine of its own, for one attempt.
type bodyReader struct {
	exchange *exchange
	interim  *interimReplies
	trailers http.Header // is filled at the end of the body, when the transport is about to look at it

	used atomic.Bool // something was asked for
	sent sending

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
	b.sent.ask()
	defer b.sent.got()
	for len(b.rest) == 0 {
		if b.closed.Load() {
			return 0, io.ErrClosedPipe
		}
		if b.exchange.request.ExpectsContinue {
			if err := b.interim.proceed(); err != nil {
				return 0, err
			}
		}
		piece, err := b.exchange.front.body().Next()
		if errors.Is(err, io.EOF) {
			b.end()
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

func (b *bodyReader) end() {
	if b.ended.Swap(true) || b.trailers == nil {
		return
	}
	trailers := b.exchange.front.body().Trailers()
	for i := range trailers {
		if field := &trailers[i]; field.AllowedInTrailers() {
			b.trailers.Add(string(field.Name), string(field.Value))
		}
	}
}

// Close is called by the transport when it needs no more. One that it has not touched may still be asked for: the
// transport looks for another connection by itself.
func (b *bodyReader) Close() error {
	if b.used.Load() && !b.closed.Swap(true) && !b.ended.Load() {
		b.exchange.front.cutBody()
	}
	return nil
}

// finish makes sure that nobody reads any more: what follows in the connection is the next request.
func (b *bodyReader) finish() {
	if !b.closed.Swap(true) && b.used.Load() && !b.ended.Load() {
		b.exchange.front.cutBody()
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	var timeout net.Error
	if b.fault != nil && errors.As(b.fault, &timeout) {
		b.fault = nil // it was cut off by Close
	}
}
