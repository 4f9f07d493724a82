package proxy

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// statusClientGone is nginx's code for a client that went away; it is seen in logs and metrics only.
const statusClientGone = 499

// reply answers by the proxy itself, with the status and its text as body.
func (x *exchange) reply(status int, reason string) bool {
	x.status, x.reason = status, reason
	text := http.StatusText(status) + "\n"
	if status < 300 {
		text = ""
	}
	x.extra = append(x.extra, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: "...)
	x.extra = strconv.AppendInt(x.extra, int64(len(text)), 10)
	x.extra = append(x.extra, '\r', '\n')
	header := replyHeader{
		bodyUnread: !x.front.body().Ended(),
		close:      status == http.StatusBadRequest || status == http.StatusRequestTimeout,
		status:     status, extra: x.extra, length: int64(len(text)),
		hasBody: string(x.request.Method) != "HEAD" && text != "",
	}
	err := x.front.header(header)
	if err == nil && header.hasBody {
		x.bytesOut = int64(len(text))
		err = x.front.data([]byte(text))
	}
	if err == nil {
		err = x.front.end(nil)
	}
	if err != nil {
		x.front.abort()
	}
	return err == nil && x.front.fit()
}

// redirect answers with the same URL under HTTPS. 308 keeps the method and the body.
func (x *exchange) redirect() bool {
	host := string(appendHostName(nil, x.info.Host))
	if port := x.server.config.TLSPort; port != 443 {
		host = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(port)))
	}
	x.extra = append(x.extra, "Location: https://"...)
	x.extra = append(x.extra, host...)
	x.extra = append(x.extra, x.path...)
	if x.request.HasQuery {
		x.extra = append(x.extra, '?')
		x.extra = append(x.extra, x.request.Query...)
	}
	x.extra = append(x.extra, '\r', '\n')
	return x.reply(http.StatusPermanentRedirect, "")
}

// refuse answers a request that could not be read.
func (x *exchange) refuse(now time.Time, why *message.Error) {
	x.begin(now)
	if errors.Is(why, message.ErrMethod) {
		x.extra = append(x.extra, message.AllowLine...)
	}
	x.reply(why.Status, why.Reason)
	x.record()
}
