package translate

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// common is what the translations of all parts of a Snapshot share.
type common struct {
	global config.Global
	prefix string // of annotations
	// everywhere are the policies of all replies, requests those of all requests that backends get.
	everywhere, requests policyList
	// problems are those of the settings.
	problems []problem.Problem
	secrets  certificates.Cache
}

func readCommon(s *snapshot.Snapshot, secrets certificates.Cache) *common {
	problems := &problem.List{}
	c := &common{global: readConfigMap(s, problems), prefix: annotationsPrefix(s), secrets: secrets}
	fields := &fields{s, problems, &c.global.Replies}
	requests, replies := fields.everywhere()
	c.requests, c.everywhere = requests, append(policiesEverywhere(&c.global), replies...)
	c.problems = problems.All()
	return c
}

// part is the translation of some Ingresses that share no host with others.
type part struct {
	hosts       []route.Host
	upstreams   []upstreams.Upstream
	authorities []route.ClientAuthorities
	clientTLS   []route.HostTLS
	// certificates, each Secret once.
	certificates       []route.Certificate
	defaultCertificate *route.Certificate // of the common part
	streams            []route.Stream     // of the common part
	passthroughs       []route.Passthrough

	// problems in the order in which they were found.
	problems  []problem.Problem
	decisions []decision.Decision
	served    []types.NamespacedName
	streamed  []types.NamespacedName
}

// translate makes a part of a Snapshot. The common part has what belongs to no single host, too.
func (c *common) translate(s *snapshot.Snapshot, isCommon bool) *part {
	problems := &problem.List{}
	global, mode := c.global, c.global.Mode
	var all []*rules.Ingress
	for _, object := range s.Ingresses {
		read := rules.Read(object, c.prefix, global, problems)
		all = append(all, &read)
	}
	isCanary := func(i *rules.Ingress) bool { return i.Config.Canary != nil }

	assigned := certificates.New(s, mode, problems, c.secrets)
	builder := upstreams.New(s, problems)
	guards := newGuards(builder, &global.Access)
	fields := &fields{s, problems, &global.Replies}
	policies := &routePolicies{
		mode: mode, upstreams: builder, certificates: assigned, fields: fields, everywhere: c.everywhere, requests: c.requests,
	}
	routes := &routes{
		mode: mode, problems: problems, upstreams: builder, certificates: assigned, guards: guards,
		fields: fields, policies: policies,
		claims: claims{}, written: map[writtenPath]*rules.Ingress{}, served: map[*rules.Ingress]bool{},
	}
	if mode.Reproduces(compatibility.RegexForHosts) {
		rules.SpreadRegexes(all)
	}
	if mode.Reproduces(compatibility.AffinityByService) {
		policies.shareAffinities(all)
	}
	// Certificates first, because policies depend on them. Rules before default backends, so that these get only what
	// is left; canaries when all locations are taken.
	for _, add := range []func(*rules.Ingress){
		assigned.Add, assigned.AddListed, guards.add, routes.addRules, routes.addDenied, routes.addDefaultBackend,
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
	if isCommon {
		addCommonHost(s, hosts, builder)
	}
	addDefaultBackend(s, hosts, guards.forDefault(), global.Denied)

	made := &part{
		hosts:        sortedHosts(hosts),
		certificates: assigned.Table(),
		authorities:  guards.clientAuthorities(),
		passthroughs: routes.passedOn(),
		clientTLS:    routes.clientTLS(all, global.ClientTLS),
		served:       servedKeys(routes.served),
	}
	if isCommon {
		made.defaultCertificate = assigned.Default()
		made.streams = (&streams{upstreams: builder, limits: global.Streams}).all()
	}
	made.upstreams = builder.All()
	made.streamed = builder.StreamedKeys()
	made.problems = problems.All()
	made.decisions = slices.Concat(builder.Decisions, routes.decisions, assigned.Decisions)
	return made
}
