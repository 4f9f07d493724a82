// Package translate makes the routing table from a Snapshot. It is a pure function: it has no state, makes no requests
// and logs nothing. What is wrong with an object becomes a Problem; the rest of the object and all others are served.
package translate

import (
	"cmp"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Result is the translation of a Snapshot.
type Result struct {
	Table *route.Table
	// Problems, each once, in the order of the Ingresses.
	Problems []Problem
	// Decisions are the decisions that led to the table, for a verbose log.
	Decisions []decision.Decision
	// Served are the Ingresses that have at least one route or canary in the table.
	Served map[types.NamespacedName]bool

	readers  map[types.NamespacedName][]endpointReader
	streamed map[types.NamespacedName]bool
}

// Translate makes a Result of a Snapshot.
func Translate(s *snapshot.Snapshot) Result {
	problems := &problems{}
	global := readConfigMap(s, problems)

	var all []*ingress
	for _, object := range s.Ingresses {
		read := readIngress(object, cmp.Or(s.Settings.AnnotationsPrefix, config.DefaultPrefix), global, problems)
		all = append(all, &read)
	}
	isCanary := func(i *ingress) bool { return i.config.Canary != nil }

	mode := global.Mode
	certificates := newCertificates(s, mode, problems)
	upstreams := newUpstreams(s, problems)
	guards := newGuards(upstreams, &global.Access)
	fields := &fields{s, problems, &global.Replies}
	requests, replies := fields.everywhere()
	routes := &routes{
		mode: mode, problems: problems, upstreams: upstreams, certificates: certificates, guards: guards,
		fields: fields, everywhere: append(policiesEverywhere(&global), replies...), requests: requests,
		claims: claims{}, written: map[writtenPath]*ingress{}, served: map[*ingress]bool{},
	}
	if mode.Reproduces(compatibility.RegexForHosts) {
		spreadRegexes(all)
	}
	if mode.Reproduces(compatibility.AffinityByService) {
		routes.shareAffinities(all)
	}
	// Certificates first, because policies depend on them. Rules before default backends, so that these get only what
	// is left; canaries when all locations are taken.
	for _, add := range []func(*ingress){
		certificates.add, certificates.addListed, guards.add, routes.addRules, routes.addDenied, routes.addDefaultBackend,
	} {
		for _, ingress := range all {
			if !isCanary(ingress) {
				add(ingress)
			}
		}
	}
	for _, ingress := range all {
		switch {
		case isCanary(ingress):
			guards.add(ingress)
			routes.addCanary(ingress)
		case mode.Reproduces(compatibility.SlashRedirect):
			routes.addSlashRedirects(ingress)
		}
	}
	hosts := routes.hosts(all)
	addDefaultBackend(s, hosts, upstreams, guards.forDefault(), global.Denied)

	// As in ingress-nginx, a body that is too large is refused whatever the path.
	unrouted := slices.Clone(routes.everywhere)
	unrouted.addIf(global.MaxBodyBytes > 0, policy.BodySize{Bytes: global.MaxBodyBytes})

	return Result{
		Table: &route.Table{
			Hosts:              sortedHosts(hosts),
			Unrouted:           unrouted,
			RawPaths:           mode.Reproduces(compatibility.RawPaths),
			Upstreams:          sortedUpstreams(upstreams.list),
			Certificates:       certificates.table(),
			DefaultCertificate: certificates.byDefault(),
			ClientAuthorities:  guards.clientAuthorities(),
			Streams:            (&streams{upstreams: upstreams, limits: global.Streams}).all(),
			Passthroughs:       routes.passedOn(),

			Forwarded:            global.Clients.Forwarded,
			ProxyProtocol:        global.Clients.ProxyProtocol,
			ClientTLS:            routes.clientTLS(all, global.ClientTLS),
			AccessLog:            global.AccessLog,
			NoRequestIDs:         global.Clients.NoRequestIDs,
			UnderscoresInHeaders: global.Clients.UnderscoresInHeaders,
		},
		Problems:  problems.inOrder(s.Ingresses),
		Decisions: slices.Concat(upstreams.decisions, routes.decisions, certificates.decisions),
		Served:    servedKeys(routes.served),
		readers:   readersByService(upstreams.list, upstreams.sources),
		streamed:  upstreams.streamed,
	}
}

func readConfigMap(s *snapshot.Snapshot, problems *problems) config.Global {
	if s.ConfigMap == nil {
		global, _ := config.ParseConfigMap(s.Settings.Compatibility, nil)
		return global
	}
	warn := func(reason Reason, message string) {
		problems.add(Problem{
			Severity: Warning, Reason: reason, Message: message,
			Object: Object{
				APIVersion: "v1", Kind: "ConfigMap",
				Namespace: s.ConfigMap.Namespace, Name: s.ConfigMap.Name, UID: s.ConfigMap.UID,
			},
		})
	}
	global, faults := config.ParseConfigMap(s.Settings.Compatibility, s.ConfigMap.Data)
	for _, fault := range faults {
		if fault.Unsupported {
			warn(UnsupportedSetting, fault.Message)
		} else {
			warn(InvalidSetting, fault.Message)
		}
	}
	return global
}

// addDefaultBackend routes what no Ingress claims to the Service of the settings.
func addDefaultBackend(s *snapshot.Snapshot, hosts map[string][]route.Route, upstreams *upstreams, policies policyList,
	denied string) {
	name := s.Settings.DefaultBackend
	if name.Name == "" {
		return
	}
	upstreams.addDefault(name)
	var action route.Action = route.Forward{Backends: []route.Backend{{
		Upstream: defaultUpstream, Weight: 1,
		Service: route.ServiceRef{Namespace: name.Namespace, Name: name.Name},
	}}}
	if denied != "" {
		action = route.Deny{Status: http.StatusServiceUnavailable, Reason: denied}
	}
	if _, ok := hosts[""]; !ok {
		hosts[""] = nil
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

func sortedUpstreams(list []route.Upstream) []route.Upstream {
	slices.SortFunc(list, func(a, b route.Upstream) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func servedKeys(served map[*ingress]bool) map[types.NamespacedName]bool {
	keys := map[types.NamespacedName]bool{}
	for ingress := range served {
		keys[snapshot.Key(ingress.object)] = true
	}
	return keys
}
