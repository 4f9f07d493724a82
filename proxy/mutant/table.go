package mutant

import "github.com/ingress-testbed/testbed/proxy/route"

// tables are the mutants of what a table has beside routes and upstreams.
func tables() []Mutant {
	return []Mutant{
		ignored("AccessLog", func(t *route.Table) { t.AccessLog = route.AccessLog{} }),
		{Subject: "table.AccessLog", Fault: Inverted, change: func(t *route.Table) {
			if !t.AccessLog.Equal(route.AccessLog{}) {
				t.AccessLog.Off = !t.AccessLog.Off
			}
		}},
		ignored("Certificates", func(t *route.Table) { t.Certificates = nil }),
		{Subject: "table.Certificates", Fault: Neighbour, change: func(t *route.Table) {
			// The hosts of each certificate get the next one.
			before := clone(t).Certificates
			for i := range before {
				next := before[(i+1)%len(before)]
				t.Certificates[i].Origin, t.Certificates[i].ChainPEM, t.Certificates[i].KeyPEM = next.Origin, next.ChainPEM, next.KeyPEM
			}
		}},
		ignored("ClientAuthorities", func(t *route.Table) { t.ClientAuthorities = nil }),
		ignored("ClientTLS", func(t *route.Table) { t.ClientTLS = nil }),
		{Subject: "table.ClientTLS", Fault: Neighbour, change: func(t *route.Table) {
			for i := range t.ClientTLS {
				t.ClientTLS[i].Host = otherHost(t, t.ClientTLS[i].Host)
			}
		}},
		ignored("DefaultCertificate", func(t *route.Table) { t.DefaultCertificate = nil }),
		ignored("Forwarded", func(t *route.Table) { t.Forwarded = route.Forwarded{} }),
		{Subject: "table.Forwarded", Fault: Inverted, change: func(t *route.Table) {
			if f := &t.Forwarded; f.TrustHeaders || f.RealIP || f.ComputeFull {
				f.TrustHeaders, f.RealIP, f.ComputeFull = !f.TrustHeaders, !f.RealIP, !f.ComputeFull
			}
		}},
		ignored("HealthPath", func(t *route.Table) { t.HealthPath = "" }),
		ignored("NoRequestIDs", func(t *route.Table) { t.NoRequestIDs = false }),
		ignored("Passthroughs", func(t *route.Table) { t.Passthroughs = nil }),
		{Subject: "table.Passthroughs", Fault: Neighbour, change: func(t *route.Table) {
			for _, p := range t.Passthroughs {
				if p.Host = otherHost(t, p.Host); p.Host != "" {
					t.Passthroughs = append(t.Passthroughs, p)
				}
			}
		}},
		ignored("ProxyProtocol", func(t *route.Table) { t.ProxyProtocol = false }),
		ignored("Quirks", func(t *route.Table) { var none route.Table; t.Quirks = none.Quirks }),
		ignored("RawPaths", func(t *route.Table) { t.RawPaths = false }),
		ignored("RequestHeaders", func(t *route.Table) { t.RequestHeaders = route.HeaderLimits{} }),
		ignored("Streams", func(t *route.Table) { t.Streams = nil }),
		ignored("UnderscoresInHeaders", func(t *route.Table) { t.UnderscoresInHeaders = false }),
		ignored("Unrouted", func(t *route.Table) { t.Unrouted = nil }),
	}
}

func ignored(field string, change func(*route.Table)) Mutant {
	return Mutant{Subject: "table." + field, Fault: Ignored, change: change}
}

// otherHost returns the name of the host after one, or the first one's; the same if there is no other.
func otherHost(table *route.Table, name string) string {
	for i, host := range table.Hosts {
		if host.Name == name {
			return table.Hosts[(i+1)%len(table.Hosts)].Name
		}
	}
	if len(table.Hosts) > 0 {
		return table.Hosts[0].Name
	}
	return name
}
