package route

import (
	"fmt"
	"strings"
)

// Validate returns the problems of a table's hosts and upstreams, one error for each; package proxy leaves out the
// faulty part and serves the rest. Routes and certificates are checked when they are compiled.
func (t *Table) Validate() []error {
	var problems []error
	hosts := make(map[string]bool, len(t.Hosts))
	for _, host := range t.Hosts {
		if hosts[host.Name] {
			problems = append(problems, fmt.Errorf("host %q: duplicate; the first is served", host.Name))
		}
		hosts[host.Name] = true
		if err := checkHostName(host.Name); err != nil {
			problems = append(problems, fmt.Errorf("host %q: %w", host.Name, err))
		}
	}
	upstreams := make(map[string]bool, len(t.Upstreams))
	for _, upstream := range t.Upstreams {
		if upstreams[upstream.Name] {
			problems = append(problems,
				fmt.Errorf("upstream %q: duplicate; the first is used", upstream.Name))
		}
		upstreams[upstream.Name] = true
	}
	return append(problems, t.validateStreams()...)
}

func checkHostName(name string) error {
	if name == "" {
		return nil
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(name, "*."), ".") {
		switch {
		case label == "":
			return fmt.Errorf("a label is empty, so that no request can name this host")
		case strings.Contains(label, "*"):
			return fmt.Errorf("a star may only be the whole first label")
		case strings.ContainsAny(label, ":/ \t") || strings.ToLower(label) != label:
			return fmt.Errorf("host names are in lower case, without port, slash or space")
		}
	}
	return nil
}

// Validate returns what keeps a route from being served; nil if nothing does. Paths and patterns are checked when they
// are compiled.
func (r Route) Validate() error {
	switch action := r.Action.(type) {
	case Forward:
		return action.validate()
	case Redirect:
		return action.validate()
	case Deny:
		return action.validate()
	}
	return fmt.Errorf("the route has no action")
}

func (f Forward) validate() error {
	for _, backend := range f.Backends {
		if backend.Weight < 0 {
			return fmt.Errorf("the weight %d of backend %q is negative", backend.Weight, backend.Upstream)
		}
		if err := backend.validate(); err != nil {
			return err
		}
	}
	if c := f.Canary; c != nil {
		if c.WeightTotal < 0 || c.Weight < 0 {
			return fmt.Errorf("the weight %d/%d of the canary is negative", c.Weight, c.WeightTotal)
		}
		return c.Backend.validate()
	}
	return nil
}

func (b Backend) validate() error {
	if b.Deny == nil {
		return nil
	}
	return b.Deny.validate()
}

func (r Redirect) validate() error {
	switch r.Status {
	case 301, 302, 303, 307, 308:
	default:
		return fmt.Errorf("%d is not the status of a redirect", r.Status)
	}
	switch {
	case r.Scheme != "" && r.Scheme != "http" && r.Scheme != "https":
		return fmt.Errorf("a redirect leads to http or https, not to %q", r.Scheme)
	case strings.ContainsFunc(r.URL+r.Host+r.Path.Value, isUnsafe):
		return fmt.Errorf("the location of the redirect has a space or a control character")
	case r.Path.Kind != KeepPath && !strings.HasPrefix(r.Path.Value, "/"):
		return fmt.Errorf("the path of the redirect, %q, does not start with a slash", r.Path.Value)
	}
	return nil
}

func (d Deny) validate() error {
	if d.Status < 400 || d.Status > 599 {
		return fmt.Errorf("%d is not the status of an error", d.Status)
	}
	return nil
}

// isUnsafe reports whether a character must not be in a header field that holds a URL.
func isUnsafe(c rune) bool { return c <= ' ' || c == 0x7f }
