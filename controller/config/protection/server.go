package protection

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

// Server is a server to which the proxy itself sends requests.
type Server struct {
	// Secure is whether the server is reached over TLS.
	Secure bool
	// Host is its name or address, or HostVariable.
	Host string
	Port uint16
	// Target is the path and the query, with variables.
	Target string
}

// HostVariable is the only variable that may stand for a server's host: that of the route.
const HostVariable = "$host"

// Authority is the Host field of requests to the server, with the port unless it is the scheme's default.
func (s *Server) Authority(host string) string {
	if address, err := netip.ParseAddr(host); err == nil && address.Is6() {
		host = "[" + host + "]"
	}
	if s.Secure && s.Port == 443 || !s.Secure && s.Port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(int(s.Port))
}

// ParseServer reads a URL whose target may have variables. The variables $request_uri and $uri begin with a slash.
func ParseServer(text string) (Server, error) {
	var s Server
	rest, isPlain := strings.CutPrefix(text, "http://")
	if !isPlain {
		if rest, s.Secure = strings.CutPrefix(text, "https://"); !s.Secure {
			return s, errors.New("it must begin with http:// or https://")
		}
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }) {
		return s, errors.New("it must have no space, control character or fragment")
	}
	host := ""
	if variable, ok := strings.CutPrefix(rest, HostVariable); ok {
		host, rest = HostVariable, variable
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	for _, slashed := range []string{"$request_uri", "$uri"} {
		if at := strings.Index(rest[:end], slashed); at >= 0 {
			end = at
		}
	}
	s.Target = rest[end:]
	if !strings.HasPrefix(s.Target, "/") && !strings.HasPrefix(s.Target, "$") {
		s.Target = "/" + s.Target
	}
	if err := variable.Check(s.Target); err != nil {
		return s, err
	}
	return s, s.parseAuthority(host, rest[:end])
}

// parseAuthority reads a host and perhaps a port; host is HostVariable if that was before the rest.
func (s *Server) parseAuthority(host, rest string) error {
	if host != "" {
		rest = "host" + rest
	}
	parsed, err := url.Parse("//" + rest)
	if err != nil || parsed.User != nil || parsed.Hostname() == "" || host != "" && parsed.Hostname() != "host" {
		return errors.New("it must have a host")
	}
	s.Host = strings.ToLower(parsed.Hostname())
	if host != "" {
		s.Host = host
	} else if _, err := netip.ParseAddr(s.Host); err != nil && !setting.IsServerName(s.Host) {
		return fmt.Errorf("the host must be a DNS name, an address or %s", HostVariable)
	}
	s.Port = 80
	if s.Secure {
		s.Port = 443
	}
	if text := parsed.Port(); text != "" {
		number, err := strconv.ParseUint(text, 10, 16)
		if err != nil || number == 0 {
			return fmt.Errorf("%s is not a port", text)
		}
		s.Port = uint16(number)
	}
	return nil
}
