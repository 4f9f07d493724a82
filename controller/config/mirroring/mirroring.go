// Package mirroring reads where copies of requests are sent.
package mirroring

import (
	"errors"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// Mirror is a server that gets copies of requests. The zero value is none.
type Mirror struct {
	// Server is the server, and the target that it gets.
	Server protection.Server
	// Host is what the server gets as Host.
	Host string
	// Body sends the bodies, too.
	Body bool
}

const target = "mirror-target"

// Read reads the annotations of an Ingress.
func Read(r *setting.Reader) Mirror {
	mirror := Mirror{
		Host: r.Checked("mirror-host", setting.IsServerName, "it must be a host name"),
		Body: r.Choice("mirror-request-body", "on", "on", "off") == "on",
	}
	text, given := r.Text(target)
	if !given {
		return Mirror{}
	}
	var err error
	if mirror.Server, err = parse(text); err != nil {
		r.Invalid(target, text, err.Error())
		return Mirror{}
	}
	if mirror.Host == "" {
		mirror.Host = mirror.Server.Authority(mirror.Server.Host)
	}
	return mirror
}

func parse(text string) (protection.Server, error) {
	server, err := protection.ParseServer(text)
	if err == nil && server.Host == protection.HostVariable {
		err = errors.New("it must name the server")
	}
	return server, err
}

// Server returns the host of the server of an Ingress.
func Server(prefix string, annotations map[string]string) (host string, ok bool) {
	server, err := parse(strings.TrimSpace(annotations[prefix+"/"+target]))
	return server.Host, err == nil
}
