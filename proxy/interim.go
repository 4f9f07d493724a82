package proxy

import (
	"context"
	"net/http"
	"net/textproto"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// interimReplies are the replies with a status of 1xx to one request to an endpoint that speaks HTTP/2. They are
// written by a goroutine that runs only while there are some: the one that brings them reads for all requests of the
// endpoint's connection, and must not wait for a client.
type interimReplies struct {
	exchange *exchange
	slow     *time.Timer // runs out if the endpoint says nothing for limit
	limit    time.Duration

	mu        sync.Mutex
	bytes     int // of all headers
	continued bool
	waiting   []*message.Response
	writing   bool
	writer    sync.WaitGroup
	over      bool // the final reply is there, or none will come
	err       error
}

// newInterimReplies has the request given up by giveUp if the endpoint is too slow.
func newInterimReplies(x *exchange, body *bodyReader, giveUp context.CancelCauseFunc) *interimReplies {
	i := &interimReplies{exchange: x, limit: x.responseLimit()}
	i.mu.Lock() // late uses slow, and may be called at once
	defer i.mu.Unlock()
	i.slow = time.AfterFunc(i.limit, func() { i.late(body, giveUp) })
	return i
}

// got takes one from the transport. After an error the transport gives the request up.
func (i *interimReplies) got(status int, header textproto.MIMEHeader) error {
	if status == http.StatusSwitchingProtocols { // RFC 9113 section 8.6 has no such thing
		return errUnaskedUpgrade
	}
	reply := new(message.Response)
	if err := reply.FromHTTP2(status, http.Header(header), -1); err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for j := range reply.Fields {
		i.bytes += len(reply.Fields[j].Name) + len(reply.Fields[j].Value)
	}
	if i.bytes += 32; i.bytes > i.exchange.server.config.Limits.HeaderBytes {
		return errTooManyInterim
	}
	return i.add(reply)
}

var errTooManyInterim = &message.Error{Status: 502, Reason: "the endpoint sent too many interim replies"}

// proceed tells a client that waits before it sends the body to wait no more, unless the endpoint has.
func (i *interimReplies) proceed() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.continued {
		return nil
	}
	return i.add(&message.Response{Status: http.StatusContinue})
}

// add is called with mu held.
func (i *interimReplies) add(reply *message.Response) error {
	request := i.exchange.request
	if i.over || request.Major == 1 && request.Minor == 0 { // which has no interim replies (RFC 9110 section 15.2)
		return i.err
	}
	i.slow.Reset(i.limit)
	i.continued = i.continued || reply.Status == http.StatusContinue
	i.waiting = append(i.waiting, reply)
	if !i.writing {
		i.writing = true
		i.writer.Go(i.write)
	}
	return nil
}

func (i *interimReplies) write() {
	for {
		i.mu.Lock()
		if len(i.waiting) == 0 || i.err != nil {
			i.writing = false
			i.mu.Unlock()
			return
		}
		next := i.waiting[0]
		i.waiting = i.waiting[1:]
		i.mu.Unlock()
		err := i.exchange.front.informational(next)
		i.mu.Lock()
		i.err, i.over = err, i.over || err != nil
		i.mu.Unlock()
	}
}

// late gives up an endpoint that has said nothing for limit since it was sent something last.
func (i *interimReplies) late(body *bodyReader, giveUp context.CancelCauseFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		return // it ran out just before it was stopped
	}
	if left := i.limit - time.Since(body.sent.until()); left > 0 {
		i.slow.Reset(left)
		return
	}
	giveUp(errSlow)
}

// end waits until all are written: the final reply must not come before them. The error is the client's.
func (i *interimReplies) end() error {
	i.mu.Lock()
	i.over = true
	i.slow.Stop()
	i.mu.Unlock()
	i.writer.Wait()
	return i.err
}
