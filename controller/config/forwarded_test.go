package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func networks(texts ...string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

func TestClients(t *testing.T) {
	all := networks("0.0.0.0/0", "::/0")
	trusting := func(prefixes []netip.Prefix) config.Clients {
		return config.Clients{Forwarded: route.Forwarded{TrustHeaders: true, TrustedProxies: prefixes}}
	}
	for name, test := range map[string]struct {
		data map[string]string
		want config.Clients
	}{
		"nothing": {nil, config.Clients{}},
		"forwarded headers of everybody": {
			map[string]string{"use-forwarded-headers": "true"}, trusting(all),
		},
		"forwarded headers of some": {
			map[string]string{"use-forwarded-headers": "true", "proxy-real-ip-cidr": "10.0.0.0/8, 2001:db8::/32 ,192.0.2.1,::1"},
			trusting(networks("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32", "::1/128")),
		},
		"networks in other forms": {
			map[string]string{"use-forwarded-headers": "true", "proxy-real-ip-cidr": "10.1.2.3/8,::ffff:192.0.2.9/120,::ffff:192.0.2.1"},
			trusting(networks("10.0.0.0/8", "192.0.2.0/24", "192.0.2.1/32")),
		},
		"an empty list": {
			map[string]string{"use-forwarded-headers": "true", "proxy-real-ip-cidr": " "}, trusting(all),
		},
		"networks without trust": {map[string]string{"proxy-real-ip-cidr": "10.0.0.0/8"}, config.Clients{}},
		"a header without trust": {
			map[string]string{"forwarded-for-header": "CF-Connecting-IP"},
			config.Clients{Forwarded: route.Forwarded{Header: "CF-Connecting-IP"}},
		},
		"the usual header": {map[string]string{"forwarded-for-header": "x-forwarded-FOR"}, config.Clients{}},
		"full": {
			map[string]string{"use-forwarded-headers": "true", "compute-full-forwarded-for": "true"},
			config.Clients{Forwarded: route.Forwarded{TrustHeaders: true, TrustedProxies: all, ComputeFull: true}},
		},
		"full without trust": {map[string]string{"compute-full-forwarded-for": "true"}, config.Clients{}},
		"PROXY protocol": {
			map[string]string{"use-proxy-protocol": "true", "proxy-real-ip-cidr": "10.0.0.0/8"},
			config.Clients{ProxyProtocol: true, Forwarded: route.Forwarded{TrustedProxies: networks("10.0.0.0/8")}},
		},
		"underscores": {
			map[string]string{"enable-underscores-in-headers": "true"}, config.Clients{UnderscoresInHeaders: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			global, faults := config.ParseConfigMap(compatibility.Mend, test.data)
			equalPrefixes := cmpopts.EquateComparable(netip.Prefix{})
			if diff := cmp.Diff(test.want, global.Clients, equalPrefixes); diff != "" || len(faults) > 0 {
				t.Errorf("%s %v", diff, faults)
			}
		})
	}
}

// TestBadClientSettings checks that no proxy is trusted if the setting is invalid.
func TestBadClientSettings(t *testing.T) {
	for name, test := range map[string]struct{ key, value string }{
		"not a network":      {"proxy-real-ip-cidr", "load-balancer"},
		"one of several":     {"proxy-real-ip-cidr", "10.0.0.0/8,10.0.0.0/33"},
		"an end":             {"proxy-real-ip-cidr", "10.0.0.0/8,"},
		"a zone":             {"proxy-real-ip-cidr", "fe80::1%eth0"},
		"not a boolean":      {"use-forwarded-headers", "perhaps"},
		"not a header":       {"forwarded-for-header", "X Forwarded"},
		"PROXY protocol":     {"use-proxy-protocol", "v2"},
		"full":               {"compute-full-forwarded-for", "2"},
		"underscores":        {"enable-underscores-in-headers", "on"},
		"separated by space": {"proxy-real-ip-cidr", "10.0.0.0/8 192.0.2.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			data := map[string]string{"use-forwarded-headers": "true"}
			data[test.key] = test.value
			global, faults := config.ParseConfigMap(compatibility.Mend, data)
			if len(faults) != 1 || faults[0].Key != test.key || faults[0].Unsupported ||
				!strings.Contains(faults[0].Message, "not valid") {
				t.Errorf("got %v", faults)
			}
			clients := global.Clients
			if test.key == "proxy-real-ip-cidr" && len(clients.Forwarded.TrustedProxies) > 0 {
				t.Errorf("trusted: %v", clients.Forwarded.TrustedProxies)
			}
			if clients.ProxyProtocol || clients.UnderscoresInHeaders || clients.Forwarded.ComputeFull || clients.Forwarded.Header != "" ||
				test.key == "use-forwarded-headers" && clients.Forwarded.TrustHeaders {
				t.Errorf("got %+v", clients)
			}
		})
	}
}
