package config_test

import (
	"crypto/tls"
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestClientTLS(t *testing.T) {
	const gcm = tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	for name, c := range map[string]struct {
		settings, annotations map[string]string
		global, own           route.ClientTLS
		faults                int
		denied                bool
	}{
		"nothing":       {nil, nil, route.ClientTLS{}, route.ClientTLS{}, 0, false},
		"the defaults":  {map[string]string{"ssl-protocols": "TLSv1.2 TLSv1.3"}, nil, route.ClientTLS{}, route.ClientTLS{}, 0, false},
		"TLS 1.3 alone": {map[string]string{"ssl-protocols": "TLSv1.3"}, nil, route.ClientTLS{MinVersion: tls.VersionTLS13}, route.ClientTLS{MinVersion: tls.VersionTLS13}, 0, false},
		"old versions": {
			map[string]string{"ssl-protocols": "TLSv1.1 TLSv1.2"}, nil,
			route.ClientTLS{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS12}, route.ClientTLS{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS12}, 0, false,
		},
		"ciphers of an Ingress": {
			map[string]string{"ssl-ciphers": "HIGH:!HIGH:AES128-SHA"}, map[string]string{"ssl-ciphers": "ECDHE-RSA-AES128-GCM-SHA256"},
			route.ClientTLS{Ciphers: []uint16{}, MinVersion: 0}, route.ClientTLS{Ciphers: []uint16{gcm}}, 0, false,
		},
		"ciphers that Go lacks": {
			nil, map[string]string{"ssl-ciphers": "DHE-RSA-AES128-SHA"}, route.ClientTLS{}, route.ClientTLS{MinVersion: tls.VersionTLS13}, 1, false,
		},
		"ciphers that Go lacks, without TLS 1.3": {
			map[string]string{"ssl-protocols": "TLSv1.2"}, map[string]string{"ssl-ciphers": "DHE-RSA-AES128-SHA"},
			route.ClientTLS{MaxVersion: tls.VersionTLS12}, route.ClientTLS{MaxVersion: tls.VersionTLS12}, 2, true,
		},
		"a wrong version": {map[string]string{"ssl-protocols": "TLSv1.4"}, nil, route.ClientTLS{}, route.ClientTLS{}, 1, true},
		"curves": {
			map[string]string{"ssl-ecdh-curve": "prime256v1:X448:x25519"}, nil, route.ClientTLS{Curves: []tls.CurveID{tls.CurveP256, tls.X25519}},
			route.ClientTLS{Curves: []tls.CurveID{tls.CurveP256, tls.X25519}}, 1, false,
		},
		"Go's curves":        {map[string]string{"ssl-ecdh-curve": "auto"}, nil, route.ClientTLS{}, route.ClientTLS{}, 0, false},
		"no curve is left":   {map[string]string{"ssl-ecdh-curve": "X448"}, nil, route.ClientTLS{}, route.ClientTLS{}, 1, true},
		"no tickets":         {map[string]string{"ssl-session-tickets": "false"}, nil, route.ClientTLS{NoTickets: true}, route.ClientTLS{NoTickets: true}, 0, false},
		"tickets as default": {map[string]string{"ssl-session-tickets": "true"}, nil, route.ClientTLS{}, route.ClientTLS{}, 0, false},
		"an unknown exclusion": {
			nil, map[string]string{"ssl-ciphers": "HIGH:!WEAK"}, route.ClientTLS{}, route.ClientTLS{}, 1, true,
		},
	} {
		if name == "ciphers of an Ingress" { // whose ConfigMap leaves nothing: TLS 1.3 alone
			c.global = route.ClientTLS{MinVersion: tls.VersionTLS13}
			c.own.MinVersion = tls.VersionTLS13
		}
		global, faults := config.ParseConfigMap(compatibility.Mend, c.settings)
		prefixed := map[string]string{}
		for key, value := range c.annotations {
			prefixed["p/"+key] = value
		}
		own, more := config.ParseAnnotations("p", prefixed, global)
		if !global.ClientTLS.Equal(c.global) || !own.ClientTLS.Equal(c.own) || len(faults)+len(more) != c.faults || (own.Denied != "") != c.denied {
			t.Errorf("%s: got %+v, %+v, denied %q, %v, %v", name, global.ClientTLS, own.ClientTLS, own.Denied, faults, more)
		}
	}
}
