package translate

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/controller/translate/upstreams"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/policy/limits"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// guards makes the policies that restrict access. If one can't be set up, the routes are denied.
type guards struct {
	upstreams *upstreams.Builder
	secrets   secrets
	global    *protection.Global
	// own is what the annotations of Ingresses require of client certificates.
	own map[*rules.Ingress]certificateGuard
	// byHost has the requirements of the first Ingress of a host that requires client certificates. As in ingress-nginx, they
	// apply to all paths of the host, because the certificate belongs to the connection.
	byHost map[string]certificateGuard
	// authorities are the certificate authorities that a server sends to the clients of a host.
	authorities map[string][]byte
}

// guard is what restricts a route. With deny, nothing else matters.
type guard struct {
	policies policyList
	deny     *route.Deny
}

type certificateGuard struct {
	policy access.ClientCertificate
	fault  string // why it can't be set up
}

func newGuards(builder *upstreams.Builder, global *protection.Global) *guards {
	return &guards{
		upstreams: builder, secrets: secrets{builder.Snapshot, builder.Problems}, global: global,
		own: map[*rules.Ingress]certificateGuard{}, byHost: map[string]certificateGuard{}, authorities: map[string][]byte{},
	}
}

// add records the hosts for which an Ingress requires client certificates.
func (g *guards) add(owner *rules.Ingress) {
	c := owner.Config.Access.ClientCert
	if c == nil {
		return
	}
	made := certificateGuard{policy: c.Policy}
	made.fault = g.secrets.authorities(owner, c.Secret, &made.policy)
	g.own[owner] = made
	hosts := owner.Hosts
	if owner.DefaultBackend != nil && !slices.Contains(hosts, "") {
		hosts = append(slices.Clip(hosts), "")
	}
	for _, host := range hosts {
		if _, taken := g.byHost[host]; !taken {
			g.byHost[host] = made
		}
	}
	for _, host := range append(slices.Clip(hosts), owner.Config.Aliases...) {
		g.authorities[host] = append(g.authorities[host], made.policy.RootsPEM...)
	}
}

// of returns what restricts an Ingress's route.
func (g *guards) of(owner *rules.Ingress, loc location.Location) guard {
	var made guard
	reason := owner.Config.Denied
	if reason == "" {
		reason = g.check(owner, loc, &made.policies)
	}
	if reason != "" {
		return guard{deny: &route.Deny{Status: http.StatusServiceUnavailable, Reason: reason}}
	}
	made.policies = append(made.policies, rates(owner)...)
	return made
}

// forDefault returns what restricts the routes of the settings' default backend.
func (g *guards) forDefault() policyList {
	var made policyList
	made.addIf(!g.global.Block.Equal(access.Block{}), g.global.Block)
	return made
}

// check adds the policies of a route, or returns why it must be denied.
func (g *guards) check(owner *rules.Ingress, loc location.Location, policies *policyList) (denied string) {
	a := &owner.Config.Access
	policies.addIf(!g.global.Block.Equal(access.Block{}), g.global.Block)
	certificate, required := g.byHost[loc.Host]
	if own, ok := g.own[owner]; ok {
		certificate, required = own, true
	}
	if certificate.fault != "" {
		return certificate.fault
	}
	policies.addIf(required, certificate.policy)

	var all []policy.Policy
	if len(a.Addresses.Allow) > 0 || len(a.Addresses.Deny) > 0 {
		all = append(all, a.Addresses)
	}
	if !g.isOpen(loc.Path) {
		if a.Basic != nil {
			basic, fault := g.secrets.users(owner, a.Basic)
			if fault != "" {
				return fault
			}
			all = append(all, basic)
		}
		if a.External != nil {
			external, fault := g.external(owner, loc.Host)
			if fault != "" {
				return fault
			}
			all = append(all, external)
		}
	}
	policies.addAccess(all, a.SatisfyAny)
	return ""
}

// addAccess adds policies that all have to let a request pass, or any of them. A list that only denies addresses admits
// no client itself, so that it applies in addition to the others.
func (l *policyList) addAccess(all []policy.Policy, oneOf bool) {
	if oneOf && len(all) > 1 {
		if addresses, ok := all[0].(access.Addresses); ok && len(addresses.Allow) == 0 {
			*l = append(*l, addresses)
			all = all[1:]
		}
	}
	if oneOf && len(all) > 1 {
		*l = append(*l, access.Any{Of: all})
		return
	}
	for _, p := range all {
		*l = append(*l, p)
	}
}

// isOpen reports whether the rule's path needs no authentication, such as that of ACME challenges.
func (g *guards) isOpen(path string) bool {
	return slices.ContainsFunc(g.global.OpenPaths, func(open string) bool { return strings.HasPrefix(path, open) })
}

const (
	authConnectTimeout  = 5 * time.Second
	authResponseTimeout = 60 * time.Second
)

// external returns the policy of an external server for a host, or why it can't be set up.
func (g *guards) external(owner *rules.Ingress, host string) (made access.External, fault string) {
	settings := owner.Config.Access.External
	made = settings.Policy
	made.Connect, made.Response = authConnectTimeout, authResponseTimeout
	server := settings.Server.Host
	if server == protection.HostVariable {
		if host == "" || strings.HasPrefix(host, "*") {
			return made, g.fail(owner, problem.InvalidAnnotation, fmt.Sprintf(
				"auth-url: %s is not the name of a server for the host %q", protection.HostVariable, decision.ServerName(host)))
		}
		server = host
	}
	made.Host = settings.Server.Authority(server)
	if made.SetHeaders, fault = g.authFields(owner, settings.Fields); fault != "" {
		return made, fault
	}
	made.Upstream, fault = g.upstreams.Server(owner, upstreams.AuthServer, server, &settings.Server)
	return made, fault
}

// authFields returns the fields of a ConfigMap for the requests to an external server, or why they can't be sent: without
// them the server might allow more requests.
func (g *guards) authFields(owner *rules.Ingress, key types.NamespacedName) (fields []access.Header, fault string) {
	const setting = "auth-proxy-set-headers: "
	if key.Name == "" {
		return nil, ""
	}
	if key.Namespace != owner.Object.Namespace {
		return nil, g.fail(owner, problem.InvalidAnnotation, fmt.Sprintf("%sConfigMap %q is not in the namespace of the Ingress", setting, key))
	}
	held := g.upstreams.Snapshot.ConfigMaps[key]
	if held == nil {
		return nil, g.secrets.fail(owner, problem.ConfigMapNotFound, fmt.Sprintf("%sConfigMap %q does not exist", setting, key))
	}
	for _, name := range slices.Sorted(maps.Keys(held.Data)) {
		value := held.Data[name]
		if !isField(name, value) {
			return nil, g.secrets.fail(owner, problem.InvalidConfigMap, fmt.Sprintf("%sConfigMap %q: %q is not a field that can be set", setting, key, name))
		}
		if err := variable.Check(value); err != nil {
			return nil, g.secrets.fail(owner, problem.InvalidConfigMap, fmt.Sprintf("%sConfigMap %q: %s: %v", setting, key, name, err))
		}
		fields = append(fields, access.Header{Name: name, Value: value})
	}
	return fields, ""
}

// fail reports a fault of an Ingress, and returns why its route is denied.
func (g *guards) fail(owner *rules.Ingress, reason problem.Reason, message string) (fault string) {
	g.upstreams.Problems.Add(problem.Problem{
		Severity: problem.Error, Reason: reason, Object: problem.IngressObject(owner.Object), Message: message + "; the paths answer 503",
	})
	return message
}

// rates are the limits of an Ingress.
func rates(owner *rules.Ingress) policyList {
	c := &owner.Config.Limits
	rate := func(count int, per time.Duration) limits.Rate {
		return limits.Rate{
			Scope: owner.Key(), Count: count, Per: per, Burst: count * c.BurstFactor, Exempt: c.Exempt, Status: c.RateStatus,
		}
	}
	var policies policyList
	policies.addIf(c.Connections > 0, limits.Connections{
		Scope: owner.Key(), Most: c.Connections, Exempt: c.Exempt, Status: c.ConnectionsStatus,
	})
	policies.addIf(c.PerSecond > 0, rate(c.PerSecond, time.Second))
	policies.addIf(c.PerMinute > 0, rate(c.PerMinute, time.Minute))
	policies.addIf(c.ReplyRate > 0, limits.Throttle{Rate: c.ReplyRate, After: c.ReplyRateAfter})
	return policies
}

// clientAuthorities lists the authorities that a server sends to clients when it requests a certificate.
func (g *guards) clientAuthorities() []route.ClientAuthorities {
	var list []route.ClientAuthorities
	for host, roots := range g.authorities {
		list = append(list, route.ClientAuthorities{Host: host, RootsPEM: roots})
	}
	slices.SortFunc(list, func(a, b route.ClientAuthorities) int { return strings.Compare(a.Host, b.Host) })
	return list
}
