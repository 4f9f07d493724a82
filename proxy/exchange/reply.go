package exchange

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/grpcstatus"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/quirk"
)

// reply answers without an endpoint: with a status, its text as body, and what the policies add.
func (x *exchange) reply(status int, reason string) (reusable bool) {
	if pages := x.errorPage(status, true); pages != nil && !endsConnection(status) {
		return x.relayPage(pages, status, reason)
	}
	x.outcome.status, x.outcome.reason = status, reason
	if x.route != nil {
		x.route.Chain.Reply(&x.request, nil)
	}
	if status >= http.StatusBadRequest && grpcstatus.IsCall(x.message) && !x.table.Quirks().Has(quirk.PlainErrors) {
		return x.replyGRPC(status)
	}
	text := http.StatusText(status) + "\n"
	lines := x.request.ReplyLines
	switch {
	case status == http.StatusMethodNotAllowed: // which must have Allow (RFC 9110 section 15.5.6)
		if !x.table.Quirks().Has(quirk.NoAllow) {
			lines = append(lines, message.AllowLine...)
		}
	case status == http.StatusNoContent: // of a policy
		text = ""
	case status < 300: // OPTIONS
		lines = append(lines, message.AllowLine...)
		text = ""
	}
	if status != http.StatusNoContent { // which has no content (RFC 9110 section 8.6)
		lines = append(lines, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: "...)
		lines = strconv.AppendInt(lines, int64(len(text)), 10)
		lines = append(lines, '\r', '\n')
	}
	x.request.ReplyLines = lines
	header := downstream.Header{
		Status: status, Lines: lines, Length: int64(len(text)),
		HasBody:    string(x.message.Method) != http.MethodHead && text != "",
		BodyUnread: !x.client.Body().Ended(),
		Close:      endsConnection(status),
	}
	if err := x.sendReply(header, text); err != nil {
		x.client.Abort()
		return false
	}
	return x.client.Reusable()
}

// replyGRPC answers a call with an error, without messages ("Trailers-Only" in gRPC's documentation "gRPC over HTTP2").
func (x *exchange) replyGRPC(status int) (reusable bool) {
	code := grpcstatus.Of(status)
	x.outcome.status = http.StatusOK
	x.outcome.reason = fmt.Sprintf("%s (%d as the gRPC status %d)", x.outcome.reason, status, code)
	x.request.ReplyLines = fmt.Appendf(x.request.ReplyLines, "Content-Type: application/grpc\r\nGrpc-Status: %d\r\nGrpc-Message: %s\r\n",
		code, url.PathEscape(http.StatusText(status)))
	header := downstream.Header{Status: http.StatusOK, Lines: x.request.ReplyLines, BodyUnread: !x.client.Body().Ended()}
	if err := x.sendReply(header, ""); err != nil {
		x.client.Abort()
		return false
	}
	return x.client.Reusable()
}

// endsConnection reports whether a status of the proxy itself is that of a request that is malformed or incomplete: what
// follows it is not known to be a request.
func endsConnection(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusRequestTimeout
}

func (x *exchange) sendReply(header downstream.Header, text string) error {
	if err := x.client.Header(header); err != nil {
		return err
	}
	if header.HasBody {
		x.outcome.bytesOut = int64(len(text))
		if err := x.client.Data([]byte(text)); err != nil {
			return err
		}
	}
	return x.client.End(nil)
}
