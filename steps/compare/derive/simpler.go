package derive

import (
	"net"
	"slices"
	"strings"
)

// Simpler returns requests that are simpler than the given one, of which p was the first. They keep the reasons.
func (p *Probe) Simpler(than *Probe) []Probe {
	var all []Probe
	add := func(simpler Probe) {
		simpler.ID, simpler.Reasons = p.ID, p.Reasons
		all = append(all, simpler)
	}
	request := than.Request
	if path, _, found := strings.Cut(request.Target, "?"); found {
		add(than.to(path))
	}
	for i := range request.Headers {
		fewer := *than
		fewer.Request.Headers = slices.Delete(slices.Clone(request.Headers), i, i+1)
		if len(fewer.Request.Headers) == 0 {
			fewer.Request.Headers = nil
		}
		add(fewer)
	}
	if host, _, err := net.SplitHostPort(request.Host); err == nil {
		add(than.host(host))
	}
	if request.ClientCertificate != "" {
		add(than.certificate(""))
	}
	if than.From != Anywhere {
		add(than.from(Anywhere))
	}
	if request.BodyBytes > 0 {
		add(than.body(0))
	}
	if request.Method != "" && request.BodyBytes == 0 {
		add(than.method(""))
	}
	if trimmed := strings.TrimSuffix(request.Target, "/"); !strings.Contains(trimmed, "?") && strings.Count(trimmed, "/") > 1 {
		add(than.to(trimmed[:strings.LastIndexByte(trimmed, '/')]))
	}
	return all
}
