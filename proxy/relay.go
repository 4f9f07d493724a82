package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/ingress-testbed/testbed/proxy/balance"
	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// replyHeader is the header of an endpoint's reply, with what the route adds to it.
func (x *exchange) replyHeader(reply *message.Response) replyHeader {
	x.status = reply.Status
	if x.choice.session != "" {
		x.extra = append(x.extra, "Set-Cookie: "...)
		x.extra = balance.AppendSessionCookie(x.extra, x.at.policy.Affinity, x.choice.session)
		x.extra = append(x.extra, '\r', '\n')
	}
	return replyHeader{
		status: reply.Status, reply: reply, extra: x.extra, length: reply.Length,
		hasBody:    reply.HasBody(x.request.Method),
		hsts:       x.at.policy.HSTS != "" && x.info.Scheme == "https",
		bodyUnread: !x.pump.finished(),
	}
}

// relay sends the reply to the client and gives the connection back, if it is fit for it.
func (x *exchange) relay(c *upstream.Conn) bool {
	now := time.Now()
	x.entry.UpstreamTime = now.Sub(x.entry.Time)
	reply := &c.Reply
	if reply.Status == 101 {
		x.status = reply.Status
		return x.tunnel(c)
	}
	header := x.replyHeader(reply)
	untilClose := header.hasBody && reply.Length < 0 && !reply.Chunked
	reusable := !reply.Close && !untilClose
	err := x.front.header(header)
	if err == nil && header.hasBody {
		c.Body.StartReply(&c.In, reply.Length, reply.Chunked)
		err = x.relayBody(c, now)
	} else if err == nil {
		err = x.front.end(nil)
	}
	x.front.onGone(nil)
	if err != nil {
		c.Close()
		_ = x.pump.stop(x.front) // it is too late to tell the client
		x.front.abort()
		return false
	}
	if !x.pump.finished() {
		// The endpoint has answered without reading the whole request; neither connection can be used again.
		c.Close()
		_ = x.pump.stop(x.front) // it is too late to tell the client
		return x.front.fit()
	}
	if reusable {
		c.Release(now)
	} else {
		c.Close()
	}
	return x.front.fit()
}

// relayBody sends the reply's body as it comes. What is there already goes out together with the header.
func (x *exchange) relayBody(c *upstream.Conn, now time.Time) error {
	if c.Reply.Length > http1.LargeBuffer/16 {
		c.In.Enlarge()
	}
	for {
		piece, err := c.Body.Available()
		if err == nil && len(piece) == 0 {
			if err = x.front.flush(); err != nil {
				return x.clientGone(err)
			}
			if err = c.ExtendRead(now, x.responseLimit()); err == nil {
				piece, err = c.Body.Next()
			}
			now = time.Now()
		}
		if errors.Is(err, io.EOF) {
			if err = x.front.end(c.Body.Trailers()); err != nil {
				return x.clientGone(err)
			}
			return nil
		}
		if err != nil {
			return x.brokenOff(err)
		}
		x.bytesOut += int64(len(piece))
		if err := x.front.data(piece); err != nil {
			return x.clientGone(err)
		}
	}
}

// brokenOff notes why the reply could not be read to its end: it may have been given up because of the client.
func (x *exchange) brokenOff(err error) error {
	if x.front.gone() {
		return x.clientGone(errClientGone)
	}
	x.reason = "the reply broke off: " + err.Error()
	return err
}

// clientGone notes that the reply could not be written.
func (x *exchange) clientGone(err error) error {
	x.status, x.reason = statusClientGone, err.Error()
	return err
}
