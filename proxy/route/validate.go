package route

import (
	"fmt"
	"strings"
)

// Validate returns what is wrong with a table, one error for each fault; package proxy leaves out the faulty part
// and serves the rest. It looks at the table's own rules only: certificates and patterns are found bad when they are
// compiled, paths when they are normalised.
func (t *Table) Validate() []error {
	var problems []error
	hosts := make(map[string]bool, len(t.Hosts))
	for _, host := range t.Hosts {
		if hosts[host.Name] {
			problems = append(problems, fmt.Errorf("host %q: it is in the table twice; the first is served", host.Name))
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
				fmt.Errorf("upstream %q: it is in the table twice; the first is used", upstream.Name))
		}
		upstreams[upstream.Name] = true
	}
	return problems
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
