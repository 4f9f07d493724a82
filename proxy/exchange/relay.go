package exchange

import (
	"errors"
	"io"
	"time"

	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/tunnel"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// relay sends an endpoint's reply to the client.
func (x *exchange) relay(reply upstream.Reply) (reusable bool) {
	header := reply.Header()
	if pages := x.errorPage(header.Status, false); pages != nil {
		_ = reply.Close() // a page replaces it
		return x.relayPage(pages, header.Status, "")
	}
	if quirks := x.table.Quirks(); quirks != 0 {
		if quirks.Has(quirk.NominatedFields) {
			header.KeepNominated()
		}
		if quirks.Has(quirk.Accel) {
			if target := x.accel.take(header); target != nil {
				return x.follow(target, reply)
			}
		}
	}
	x.outcome.status = header.Status
	x.route.Chain.Reply(&x.request, header)
	if header.Status == 101 {
		return x.upgrade(reply)
	}
	h := downstream.Header{
		Status: header.Status, Reply: header, Lines: x.request.ReplyLines, Length: header.Length,
		HasBody:    header.HasBody(x.message.Method),
		BodyUnread: !reply.RequestSent() || (x.replaced || x.accel.followed > 0) && !x.client.Body().Ended(),
	}
	err := x.client.Header(h)
	if err == nil && h.HasBody {
		err = x.relayBody(reply, x.body())
	}
	if err == nil {
		err = x.client.End(reply.Trailers())
	}
	switch {
	case err == nil:
	case errors.As(err, new(*brokenReply)) && !x.client.Gone():
		x.outcome.reason = err.Error()
	default:
		x.outcome.status, x.outcome.reason = statusClientGone, err.Error()
	}
	_ = reply.Close() // a fault of the client's body can no longer be reported to it
	if err != nil {
		x.abort(err)
		return false
	}
	return x.client.Reusable()
}

// brokenReply is a reply that could not be read to its end.
type brokenReply struct{ err error }

func (e *brokenReply) Error() string { return "the reply is incomplete: " + e.err.Error() }
func (e *brokenReply) Unwrap() error { return e.err }

// bodyWriter is where the body of a reply goes.
type bodyWriter interface {
	Data(piece []byte) error
	Flush() error
}

// body returns what the reply's body is written to: the client, perhaps through compression and a limit of the rate.
func (x *exchange) body() bodyWriter {
	settings := &x.route.Chain.Settings
	rate := settings.ReplyRate
	if x.accel.setsRate {
		rate = x.accel.rate
	}
	if x.request.Compressor == nil && rate == 0 {
		return x.client
	}
	var to bodyWriter = x.client
	if rate > 0 {
		to = &throttled{client: x.client, rate: rate, free: settings.ReplyRateAfter, started: time.Now()}
	}
	if x.request.Compressor != nil {
		to = newCompressed(x.request.Compressor, to)
	}
	return to
}

// relayBody sends the body as it is received. The part that was received with the header is sent with the header.
func (x *exchange) relayBody(reply upstream.Reply, to bodyWriter) error {
	for {
		piece, err := reply.Available()
		if err == nil && len(piece) == 0 {
			if err := to.Flush(); err != nil {
				return err
			}
			piece, err = reply.Next()
		}
		switch {
		case errors.Is(err, io.EOF):
			return finishBody(to)
		case errors.Is(err, upstream.ErrClientGone):
			return err
		case err != nil:
			return &brokenReply{err}
		}
		x.outcome.bytesOut += int64(len(piece))
		if err := to.Data(piece); err != nil {
			return err
		}
	}
}

// upgrade switches protocols (RFC 9110 section 7.8) and copies bytes both ways until both sides have ended.
func (x *exchange) upgrade(reply upstream.Reply) (reusable bool) {
	defer func() { _ = reply.Close() }()
	endpoint, fromEndpoint := reply.Hijack()
	defer endpoint.Close()
	client, fromClient, err := x.client.Upgrade(reply.Header(), x.request.ReplyLines)
	if errors.Is(err, downstream.ErrNoUpgrade) {
		return x.reply(502, "the endpoint changed protocols without a request to upgrade")
	}
	if err != nil {
		return x.abandon(err)
	}
	t := tunnel.Tunnel{Client: client, Endpoint: endpoint, Idle: x.options.Tunnel}
	if limit := x.route.Chain.Settings.ResponseTimeout; limit > 0 {
		t.Idle = limit
	}
	x.call.BytesIn, x.outcome.bytesOut = t.Run(fromClient, fromEndpoint)
	return false
}
