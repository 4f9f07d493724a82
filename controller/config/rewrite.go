package config

import (
	"regexp"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

// Rewrite is how the paths of an Ingress are read, and what backends get in their place.
type Rewrite struct {
	// Target is the path that backends get, with $1 to $9 for the groups of the rule's path; "" leaves them the client's.
	Target string
	// Regex takes the paths of the rules as regular expressions.
	Regex bool
	// Prefix is X-Forwarded-Prefix for backends; "" sends none. It is sent where Target applies.
	Prefix string
}

// Active reports whether paths are read as regular expressions, which rewriting implies.
func (r Rewrite) Active() bool { return r.Regex || r.Target != "" }

// rewriteTarget and forwardedPrefix are the values that ingress-nginx accepts.
var (
	rewriteTarget   = regexp.MustCompile(`^/?[-._~a-zA-Z0-9/:$]+$`)
	forwardedPrefix = regexp.MustCompile(`^[-._~a-zA-Z0-9/:]+$`)
)

func parseRewrite(r *setting.Reader) Rewrite {
	return Rewrite{
		Target: r.Checked("rewrite-target", rewriteTarget.MatchString,
			`it must be a path of letters, digits, "-._~/:" and groups such as $1`),
		Regex:  r.Bool("use-regex", false),
		Prefix: r.Checked("x-forwarded-prefix", forwardedPrefix.MatchString, `it must be a path of letters, digits and "-._~/:"`),
	}
}

// upstreamHost is what can be sent as a Host field: a name or an address, and perhaps a port.
var upstreamHost = regexp.MustCompile(`^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

func parseUpstreamHost(r *setting.Reader) string {
	return r.Checked("upstream-vhost", func(text string) bool {
		host, known := Target{Service: "s", Port: "1", Namespace: "n", Ingress: "i"}.Fill(text)
		return known && upstreamHost.MatchString(host)
	}, `it must be a host name, such as "web.internal"; of nginx's variables, it may have $service_name, $service_port, $namespace `+
		"and $ingress_name")
}

// Target is the Service of a rule, and the Ingress that has the rule.
type Target struct {
	Service, Port, Namespace, Ingress string
}

// Fill replaces the variables with which texts of nginx name a Target. known is false if there are others.
func (t Target) Fill(text string) (filled string, known bool) {
	values := map[string]string{
		"service_name": t.Service, "service_port": t.Port, "namespace": t.Namespace, "ingress_name": t.Ingress,
	}
	for {
		literal, rest, found := strings.Cut(text, "$")
		filled += literal
		if !found {
			return filled, true
		}
		name, after, ok := variable.CutName(rest)
		value, known := values[name]
		if !ok || !known {
			return "", false
		}
		filled, text = filled+value, after
	}
}
