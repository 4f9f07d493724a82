package inprocess_test

import "github.com/ingress-testbed/testbed/reports/effect"

// mutantEffects are the gravest effects of the mutants that are found. A refusal that becomes a redirect counts as protection lost.
func mutantEffects() map[string]effect.Effect {
	all := map[string]effect.Effect{}
	for e, names := range map[effect.Effect][]string{
		effect.ProtectionLost: {
			"access.Addresses ignored", "access.Addresses inverted", "access.Any ignored", "access.Any inverted", "access.Basic ignored",
			"access.Basic inverted", "access.ClientCertificate ignored", "access.ClientCertificate inverted", "access.External ignored",
			"access.External inverted", "limits.Rate ignored", "policy.BodySize ignored",
			// The redirects of the neighbour come in place of refusals.
			"access.External neighbour", "policy.RedirectToHTTPS neighbour", "redirecting.All neighbour", "redirecting.Root neighbour",
		},
		effect.AnotherBackend: {
			"policy.Affinity ignored", "policy.ErrorPages ignored", "policy.ErrorPages inverted", "path.Exact ignored", "path.Prefix ignored",
			"rewriting.Path ignored", "rewriting.Path neighbour", "selecting.HashBy ignored", "canary ignored", "canary inverted",
			"canary neighbour", "canary.Header ignored", "canary.HeaderValue ignored", "canary.Cookie ignored", "canary.Weight ignored",
			// A preflight request is forwarded in place of answered.
			"replying.CORS ignored", "replying.CORS inverted",
		},
		effect.Lost: {
			"access.Addresses neighbour", "access.Any neighbour", "access.Basic neighbour", "access.ClientCertificate neighbour",
			"limits.Connections inverted", "limits.Rate inverted", "policy.BodySize neighbour", "redirecting.All ignored",
			"redirecting.Root ignored", "redirecting.Root inverted", "host.Wildcard ignored", "path.Regex ignored",
			"path.IgnoreCase ignored", "action.Redirect ignored", "table.HealthPath ignored", "table.ClientAuthorities ignored",
			// Clients refuse another certificate.
			"table.Certificates ignored", "table.Certificates neighbour",
			// Without a redirect, a request in plain text may be refused for want of a client certificate.
			"policy.RedirectToHTTPS ignored", "policy.RedirectToHTTPS inverted",
		},
		effect.RedirectedDifferently: {"replying.Location ignored", "replying.Location inverted"},
		effect.Headers: {
			"policy.Affinity inverted", "policy.Affinity neighbour", "policy.HSTS ignored", "policy.UpstreamHost ignored",
			"policy.UpstreamHost neighbour", "replying.Cookies ignored", "replying.Cookies inverted", "upstream.Protocol ignored", "table.Unrouted ignored",
		},
		effect.Cosmetic: {"replying.Hide ignored"},
	} {
		for _, name := range names {
			all[name] = e
		}
	}
	return all
}

// unseenMutants are those that no derived request shows, with the reason.
func unseenMutants() map[string]string {
	const (
		atTheSameTime = "it limits connections that are used at the same time, and each request is sent alone"
		timeouts      = "it changes time-outs above three seconds"
		onlyOwn       = "the requests that show it are only derived for Ingresses with the annotation"
	)
	return map[string]string{
		"limits.Connections ignored": atTheSameTime, "limits.Connections neighbour": atTheSameTime,
		"policy.Timeouts ignored": timeouts, "policy.Timeouts neighbour": timeouts,
		"limits.Rate neighbour": onlyOwn, "replying.CORS neighbour": onlyOwn,
		"replying.Cookies neighbour": onlyOwn, "replying.Location neighbour": onlyOwn, "selecting.HashBy neighbour": onlyOwn,
		"canary.WeightTotal ignored": "the total is 100, which is the default",
	}
}
