package config

import (
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func parseHTTP10(r *setting.Reader, defaults bool) bool {
	version := r.Choice("proxy-http-version", "", "1.0", "1.1")
	return version == "1.0" || version == "" && defaults
}

// parseProtocol returns false if the annotation is missing or invalid.
func parseProtocol(r *setting.Reader) (protocol route.Protocol, given bool) {
	const name = "backend-protocol"
	text, given := r.Text(name)
	if !given {
		return route.HTTP1, false
	}
	switch value := strings.ToUpper(text); {
	case value == "HTTP":
		return route.HTTP1, true
	case value == "GRPC":
		return route.H2C, true // gRPC is HTTP/2, and without TLS the proxy has to know beforehand
	case value == "HTTPS":
		return route.HTTPS, true
	case value == "GRPCS":
		return route.H2, true
	case slices.Contains([]string{"AUTO_HTTP", "FCGI"}, value):
		r.Unsupported(name, value+" is not supported: backends are spoken to in plain HTTP")
	default:
		r.Invalid(name, text, "it must be HTTP, HTTPS, GRPC or GRPCS")
	}
	return route.HTTP1, false
}
