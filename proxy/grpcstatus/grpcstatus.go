// Package grpcstatus recognises calls of gRPC, and has the status of gRPC for an error of HTTP.
package grpcstatus

import (
	"bytes"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Of is the status code of gRPC that an error of HTTP has (gRPC's documentation, "HTTP to gRPC Status Code Mapping").
func Of(status int) codes.Code {
	switch status {
	case http.StatusBadRequest:
		return codes.Internal
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.Unimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codes.Unavailable
	default:
		return codes.Unknown
	}
}

// IsCall reports whether a request is a call, whose reply has its status in a field.
func IsCall(r *message.Request) bool {
	const mediaType = "application/grpc"
	if r.Major != 2 {
		return false
	}
	for i := range r.Fields {
		if !message.EqualFold(r.Fields[i].Name, "content-type") {
			continue
		}
		// "+" begins the format of the messages and ";" parameters; application/grpc-web is another protocol.
		rest, found := bytes.CutPrefix(r.Fields[i].Value, []byte(mediaType))
		return found && (len(rest) == 0 || rest[0] == '+' || rest[0] == ';')
	}
	return false
}
