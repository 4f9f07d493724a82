package exchange

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ingress-testbed/testbed/proxy/downstream"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/quirk"
)

// Status codes of gRPC (its documentation, "Status codes and their use in gRPC").
const (
	grpcUnknown          = 2
	grpcPermissionDenied = 7
	grpcUnimplemented    = 12
	grpcInternal         = 13
	grpcUnavailable      = 14
	grpcUnauthenticated  = 16
)

// grpcStatus is what an error of HTTP means to a client of gRPC (its documentation, "HTTP to gRPC Status Code Mapping").
func grpcStatus(status int) int {
	switch status {
	case http.StatusBadRequest:
		return grpcInternal
	case http.StatusUnauthorized:
		return grpcUnauthenticated
	case http.StatusForbidden:
		return grpcPermissionDenied
	case http.StatusNotFound:
		return grpcUnimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return grpcUnavailable
	default:
		return grpcUnknown
	}
}

// isGRPC reports whether the request is a call of gRPC, whose reply has its status in a field.
func (x *exchange) isGRPC() bool {
	const mediaType = "application/grpc"
	if x.message.Major != 2 || x.table.Quirks().Has(quirk.PlainErrors) {
		return false
	}
	for i := range x.message.Fields {
		if !message.EqualFold(x.message.Fields[i].Name, "content-type") {
			continue
		}
		// "+" begins the format of the messages and ";" parameters; application/grpc-web is another protocol.
		rest, found := bytes.CutPrefix(x.message.Fields[i].Value, []byte(mediaType))
		return found && (len(rest) == 0 || rest[0] == '+' || rest[0] == ';')
	}
	return false
}

// replyGRPC answers a call with an error, without messages ("Trailers-Only" in gRPC's documentation "gRPC over HTTP2").
func (x *exchange) replyGRPC(status int) (reusable bool) {
	code := grpcStatus(status)
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
