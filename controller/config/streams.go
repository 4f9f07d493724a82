package config

import (
	"errors"
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// StreamBackend is where the connections or datagrams of a port go.
type StreamBackend struct {
	Service types.NamespacedName
	Port    string // a number or a name
	// AcceptProxy requires a PROXY protocol header of clients, SendProxy sends endpoints one.
	AcceptProxy, SendProxy bool
}

// errStreamBackend is the error of a text that is not a StreamBackend.
var errStreamBackend = errors.New("it must be namespace/service:port, with :PROXY to accept and one more :PROXY to send the PROXY protocol")

// ParseStreamBackend reads "namespace/service:port[:PROXY][:PROXY]", where the first PROXY, which may be empty, accepts the
// PROXY protocol and the second sends it.
func ParseStreamBackend(text string) (StreamBackend, error) {
	parts := strings.Split(strings.TrimSpace(text), ":")
	if len(parts) < 2 || len(parts) > 4 {
		return StreamBackend{}, errStreamBackend
	}
	var b StreamBackend
	var ok bool
	b.Service.Namespace, b.Service.Name, ok = strings.Cut(parts[0], "/")
	b.Port = parts[1]
	if !ok || b.Service.Namespace == "" || b.Service.Name == "" || strings.Contains(b.Service.Name, "/") || b.Port == "" {
		return StreamBackend{}, errStreamBackend
	}
	for i, flag := range []*bool{&b.AcceptProxy, &b.SendProxy} {
		if len(parts) <= i+2 || parts[i+2] == "" {
			continue
		}
		if !strings.EqualFold(parts[i+2], "PROXY") {
			return StreamBackend{}, errStreamBackend
		}
		*flag = true
	}
	return b, nil
}

// parseStreams reads the limits of all streams.
func parseStreams(r *setting.Reader) route.StreamLimits {
	limits := route.StreamLimits{
		Idle:      r.Time("proxy-stream-timeout", 10*time.Minute),
		Trying:    r.Time("proxy-stream-next-upstream-timeout", 10*time.Minute),
		Attempts:  r.Int("proxy-stream-next-upstream-tries", 0, math.MaxInt32, 3),
		Responses: r.Int("proxy-stream-responses", 0, math.MaxInt32, 1),
	}
	if limits.Attempts == 0 { // as many as there are endpoints
		limits.Attempts = math.MaxInt32
	}
	if !r.Bool("proxy-stream-next-upstream", true) {
		limits.Attempts = 1
	}
	return limits
}
