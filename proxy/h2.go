package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// errSlow is the cause of cancelling a request to a slow endpoint. It is a net.Error, like every other time-out.
var errSlow net.Error = timeoutError{}

type timeoutError struct{}

func (timeoutError) Error() string   { return "the endpoint did not answer in time" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// forwardH2 sends the request to an endpoint that speaks HTTP/2, in plain text or over TLS, with the multiplexing
// transport of the standard library.
func (x *exchange) forwardH2() bool {
	attempts := min(x.server.config.Limits.Attempts, x.choice.upstream.rotation.Len())
	for {
		x.entry.Attempts++
		body := &bodyReader{exchange: x}
		body.sent.begin(true) // the transport invites the client by itself
		reply, cancel, err := x.askH2(body)
		if err == nil {
			err = x.relayH2(reply, body)
			cancel(err)
			body.finish()
			if err != nil {
				x.front.abort()
				return false
			}
			return x.front.fit()
		}
		body.finish()
		if x.repeatableH2(err, body) && x.entry.Attempts < attempts {
			x.server.metrics.Retries.Add(1)
			x.nextEndpoint()
			continue
		}
		if body.fault != nil {
			return x.failBody(body.fault)
		}
		return x.fail(err)
	}
}

func (x *exchange) repeatableH2(err error, body *bodyReader) bool {
	if errors.Is(err, errSlow) || errors.Is(err, errClientGone) {
		return false
	}
	return notSent(err) && !body.used.Load() || x.request.IsSafe() && !x.request.HasBody()
}

// notSent says whether there was no connection to send the request on.
func notSent(err error) bool {
	var f *failure
	return errors.As(err, &f) && !f.sent
}

// canceller is what the front closes when the client goes away.
type canceller context.CancelCauseFunc

func (c canceller) Close() error {
	c(errClientGone)
	return nil
}

// askH2 returns the reply, and what ends it.
func (x *exchange) askH2(body *bodyReader) (*http.Response, context.CancelCauseFunc, error) {
	started := time.Now()
	x.entry.Endpoint = x.choice.upstream.pools[x.choice.endpoint].Address
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), connectLimit{}, x.connectLimit()))
	x.front.onGone(canceller(cancel))
	interim := newInterimReplies(x, body, cancel)
	body.interim = interim
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: interim.got})
	request, err := x.requestH2(ctx, body)
	if err != nil {
		interim.slow.Stop()
		cancel(err)
		return nil, nil, err
	}
	reply, err := x.choice.upstream.h2.RoundTrip(request)
	if gone := interim.end(); gone != nil {
		if err == nil {
			reply.Body.Close()
		}
		err = errors.Join(errClientGone, gone)
		cancel(err)
		return nil, nil, err
	}
	x.entry.UpstreamTime = time.Since(started)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(err)
		return nil, nil, err
	}
	return reply, cancel, nil
}

// relayH2 sends the reply to the client, each piece as soon as it comes.
func (x *exchange) relayH2(reply *http.Response, body *bodyReader) error {
	defer x.front.onGone(nil)
	defer reply.Body.Close()
	var converted message.Response
	length := reply.ContentLength
	if len(reply.Trailer) > 0 { // in HTTP/1.1 trailers need chunks, and chunks go without a length
		length = -1
		reply.Header.Del("Content-Length")
	}
	if err := converted.FromHTTP2(reply.StatusCode, reply.Header, length); err != nil {
		return err
	}
	header := x.replyHeader(&converted)
	header.bodyUnread = x.request.HasBody() && !body.ended.Load()
	if err := x.front.header(header); err != nil {
		return x.clientGone(err)
	}
	buffer := http1.GetLarge()
	defer http1.PutLarge(buffer)
	for header.hasBody {
		if err := x.front.flush(); err != nil {
			return x.clientGone(err)
		}
		n, err := reply.Body.Read(buffer[:])
		x.bytesOut += int64(n)
		if n > 0 {
			if err := x.front.data(buffer[:n]); err != nil {
				return x.clientGone(err)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return x.brokenOff(err)
		}
	}
	if err := x.front.end(message.TrailersOf(reply.Trailer)); err != nil {
		return x.clientGone(err)
	}
	return nil
}
