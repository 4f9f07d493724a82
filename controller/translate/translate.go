// Package translate makes the routing table from a Snapshot. It is a pure function: it has no state, makes no requests
// and logs nothing. What is wrong with an object becomes a problem.Problem; the rest of the object and all others are served.
//
// Package rules reads the Ingresses, with the paths of package location. Package certificates assigns Secrets to hosts, and package
// upstreams makes upstreams of Services, whose ports and endpoints package serviceport finds. From these this package makes
//
//   - routes (routes.go), canaries, and what else hosts have (hosts.go),
//   - the policies of routes: those that restrict access (guards.go, secrets.go), those of ConfigMaps with header fields
//     (fields.go), and the others (policies.go),
//   - ports for TCP and UDP, and TLS passthrough (streams.go),
//   - a table of all that (part.go, merge.go), and the next one from what has changed (after.go, update.go).
package translate

import (
	"cmp"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Result is the translation of a Snapshot.
type Result struct {
	Table *route.Table
	// Problems, each once, in the order of the Ingresses.
	Problems []problem.Problem
	// Decisions are the decisions that led to the table, for a verbose log.
	Decisions []decision.Decision
	// Served are the Ingresses that have at least one route or canary in the table.
	Served map[types.NamespacedName]bool

	readers  byService
	streamed map[types.NamespacedName]bool
	memory   *memory // nil unless made by After
}

// Translate makes a Result of a Snapshot.
func Translate(s *snapshot.Snapshot) Result {
	common := readCommon(s, certificates.Cache{})
	parts := []*part{common.translate(s, true)}
	result, _ := merge(common, s, parts, parts) // the names of one part's upstreams differ
	return result
}

func annotationsPrefix(s *snapshot.Snapshot) string {
	return cmp.Or(s.Settings.AnnotationsPrefix, config.DefaultPrefix)
}

// healthPath is what load balancers of clouds request of the ports for HTTP and HTTPS (ingress-nginx's
// --health-check-path).
const healthPath = "/healthz"

func readConfigMap(s *snapshot.Snapshot, problems *problem.List) config.Global {
	if s.ConfigMap == nil {
		global, _ := config.ParseConfigMap(s.Settings.Compatibility, nil)
		return global
	}
	warn := func(reason problem.Reason, message string) {
		problems.Add(problem.Problem{
			Severity: problem.Warning, Reason: reason, Message: message,
			Object: problem.Object{
				APIVersion: "v1", Kind: "ConfigMap",
				Namespace: s.ConfigMap.Namespace, Name: s.ConfigMap.Name, UID: s.ConfigMap.UID,
			},
		})
	}
	global, faults := config.ParseConfigMap(s.Settings.Compatibility, s.ConfigMap.Data)
	for _, fault := range faults {
		if fault.Unsupported {
			warn(problem.UnsupportedSetting, fault.Message)
		} else {
			warn(problem.InvalidSetting, fault.Message)
		}
	}
	return global
}

// addCommonHost makes the upstream of the settings' default backend, and the server of the hosts that no other names.
func addCommonHost(s *snapshot.Snapshot, hosts map[string][]route.Route, builder *upstreams.Builder) {
	name := s.Settings.DefaultBackend
	if name.Name == "" {
		return
	}
	builder.AddDefault(name)
	if _, ok := hosts[""]; !ok {
		hosts[""] = nil
	}
}

// addDefaultBackend routes what no Ingress claims of the hosts to the Service of the settings.
func addDefaultBackend(s *snapshot.Snapshot, hosts map[string][]route.Route, policies policyList, denied string) {
	name := s.Settings.DefaultBackend
	if name.Name == "" {
		return
	}
	var action route.Action = route.Forward{Backends: []route.Backend{{
		Upstream: upstreams.DefaultName, Weight: 1,
		Service: route.ServiceRef{Namespace: name.Namespace, Name: name.Name},
	}}}
	if denied != "" {
		action = route.Deny{Status: http.StatusServiceUnavailable, Reason: denied}
	}
	for host, routes := range hosts {
		if !slices.ContainsFunc(routes, isRoot) {
			hosts[host] = append(routes, route.Route{
				Match: route.PrefixPath("/"), Policies: policies, Action: action,
			})
		}
	}
}

func isRoot(r route.Route) bool {
	return r.Match.Path == route.Path{Kind: route.Prefix, Value: "/"}
}

func servedKeys(served map[*rules.Ingress]bool) []types.NamespacedName {
	var keys []types.NamespacedName
	for ingress := range served {
		keys = append(keys, snapshot.Key(ingress.Object))
	}
	return keys
}
