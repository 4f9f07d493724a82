package config_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/replies"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestConfigMapDefaults(t *testing.T) {
	got, faults := config.ParseConfigMap(compatibility.Mend, nil)
	want := config.Global{
		Redirect: config.Redirect{
			IfCertificate: true, Status: 308, PlainPaths: []string{"/.well-known/acme-challenge"},
		},
		MaxBodyBytes: 1 << 20,
		HSTS:         "max-age=31536000; includeSubDomains",
		Access:       protection.Global{OpenPaths: []string{"/.well-known/acme-challenge"}},
		Limits:       protection.Limits{RateStatus: 503, ConnectionsStatus: 503},
		Replies:      replies.Global{Hidden: []string{"server"}},
		Streams:      route.StreamLimits{Idle: 10 * time.Minute, Attempts: 3, Trying: 10 * time.Minute, Responses: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
		t.Errorf("%s %v", diff, faults)
	}
}

func TestConfigMap(t *testing.T) {
	for name, test := range map[string]struct {
		data map[string]string
		want func(*config.Global)
	}{
		"hsts off":       {map[string]string{"hsts": "false"}, func(g *config.Global) { g.HSTS = "" }},
		"hsts short":     {map[string]string{"hsts-max-age": "0"}, func(g *config.Global) { g.HSTS = "max-age=0; includeSubDomains" }},
		"hsts host only": {map[string]string{"hsts-include-subdomains": "false"}, func(g *config.Global) { g.HSTS = "max-age=31536000" }},
		"hsts preload": {map[string]string{"hsts-preload": "true"}, func(g *config.Global) {
			g.HSTS = "max-age=31536000; includeSubDomains; preload"
		}},
		"no redirect":     {map[string]string{"ssl-redirect": "false"}, func(g *config.Global) { g.Redirect.IfCertificate = false }},
		"always redirect": {map[string]string{"force-ssl-redirect": "true"}, func(g *config.Global) { g.Redirect.Always = true }},
		"timeouts": {map[string]string{"proxy-connect-timeout": "2", "proxy-read-timeout": " 3 "}, func(g *config.Global) {
			g.Timeouts = config.Timeouts{Connect: 2 * time.Second, Response: 3 * time.Second}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := config.ParseConfigMap(compatibility.Mend, nil)
			test.want(&want)
			got, faults := config.ParseConfigMap(compatibility.Mend, test.data)
			if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
				t.Errorf("%s %v", diff, faults)
			}
		})
	}
}

func TestAnnotations(t *testing.T) {
	everyRule := map[string]string{
		"canary": "true", "canary-by-header": "X-Canary", "canary-by-header-value": "yes please",
		"canary-by-header-pattern": "^y", "canary-by-cookie": "canary", "canary-weight": "5", "canary-weight-total": "1000",
	}
	for name, test := range map[string]struct {
		annotations map[string]string
		want        func(*config.Ingress)
	}{
		"none":          {nil, func(*config.Ingress) {}},
		"canary":        {map[string]string{"canary": "true"}, func(i *config.Ingress) { i.Canary = &config.Canary{WeightTotal: 100} }},
		"canary is off": {map[string]string{"canary": "false", "canary-weight": "10"}, func(*config.Ingress) {}},
		"canary by everything": {everyRule, func(i *config.Ingress) {
			i.Canary = &config.Canary{
				Header: "X-Canary", HeaderValue: "yes please", HeaderPattern: "^y", Cookie: "canary", Weight: 5, WeightTotal: 1000,
			}
		}},
		"session": {map[string]string{"affinity": "cookie"}, func(i *config.Ingress) {
			i.Affinity = policy.Affinity{Cookie: "INGRESSCOOKIE"}
		}},
		"upstream host": {map[string]string{"upstream-vhost": "inner.local:81"}, func(i *config.Ingress) { i.UpstreamHost = "inner.local:81" }},
		"upstream host with variables": {
			map[string]string{"upstream-vhost": "$service_name.${namespace}.svc:$service_port"},
			func(i *config.Ingress) { i.UpstreamHost = "$service_name.${namespace}.svc:$service_port" },
		},
		"session with everything": {map[string]string{
			"affinity": "cookie", "affinity-mode": "balanced", "affinity-canary-behavior": "sticky",
			"session-cookie-name": "route", "session-cookie-path": "/shop", "session-cookie-max-age": "172800",
			"session-cookie-samesite": "None", "session-cookie-secure": "true",
		}, func(i *config.Ingress) {
			i.Affinity = policy.Affinity{Cookie: "route", Path: "/shop", MaxAge: "172800", SameSite: "None", Secure: true}
		}},
		"session with more": {map[string]string{
			"affinity": "cookie", "affinity-mode": "persistent", "affinity-canary-behavior": "legacy", "session-cookie-max-age": "0",
			"session-cookie-domain": "example.com", "session-cookie-expires": "60", "session-cookie-samesite": "lax",
			"session-cookie-conditional-samesite-none": "true", "session-cookie-change-on-failure": "false",
		}, func(i *config.Ingress) {
			i.Affinity = policy.Affinity{
				Cookie: "INGRESSCOOKIE", MaxAge: "0", Domain: "example.com", Expires: time.Minute, SameSite: "Lax", CompatibleNone: true,
				MainOnly: true, Stay: true,
			}
		}},
		"a weight above the total": {map[string]string{"canary": "true", "canary-weight": "200"}, func(i *config.Ingress) {
			i.Canary = &config.Canary{Weight: 100, WeightTotal: 100}
		}},
		"session cookie without affinity": {map[string]string{"session-cookie-name": "route"}, func(*config.Ingress) {}},
		"grpc":                            {map[string]string{"backend-protocol": "grpc"}, func(i *config.Ingress) { i.Protocol, i.ProtocolGiven = route.H2C, true }},
		"https":                           {map[string]string{"backend-protocol": "Https"}, func(i *config.Ingress) { i.Protocol, i.ProtocolGiven = route.HTTPS, true }},
		"grpcs":                           {map[string]string{"backend-protocol": "GRPCS"}, func(i *config.Ingress) { i.Protocol, i.ProtocolGiven = route.H2, true }},
		"backends over TLS": {map[string]string{
			"proxy-ssl-secret": "ns/s", "proxy-ssl-name": "svc.example", "proxy-ssl-server-name": "on", "proxy-ssl-verify": "on",
			"proxy-ssl-verify-depth": "3",
		}, func(i *config.Ingress) {
			i.BackendTLS = config.BackendTLS{Secret: "ns/s", ServerName: "svc.example", SendServerName: true, Verify: true, VerifyDepth: 3}
		}},
		"a secret alone": {map[string]string{"proxy-ssl-secret": "ns/s", "proxy-ssl-verify": "off"}, func(i *config.Ingress) {
			i.BackendTLS = config.BackendTLS{Secret: "ns/s", VerifyDepth: 1}
		}},
		"verification alone": {map[string]string{"proxy-ssl-verify": "on"}, func(i *config.Ingress) {
			i.BackendTLS = config.BackendTLS{Verify: true, VerifyDepth: 1}
		}},
		"http to backends": {map[string]string{"backend-protocol": "HTTP"}, func(i *config.Ingress) { i.ProtocolGiven = true }},
		"no limit":         {map[string]string{"proxy-body-size": "0"}, func(i *config.Ingress) { i.MaxBodyBytes = 0 }},
		"limit":            {map[string]string{"proxy-body-size": "8M"}, func(i *config.Ingress) { i.MaxBodyBytes = 8 << 20 }},
		"redirect": {map[string]string{"ssl-redirect": "F", "force-ssl-redirect": "1"}, func(i *config.Ingress) {
			i.Redirect.Always, i.Redirect.IfCertificate = true, false
		}},
		"redirects": {map[string]string{
			"app-root": "/app", "permanent-redirect": "https://a.example/p?q", "permanent-redirect-code": "308",
			"from-to-www-redirect": "true", "preserve-trailing-slash": "false",
		}, func(i *config.Ingress) {
			i.Redirect.Root, i.Redirect.WWW, i.Redirect.CutSlash = "/app", true, true
			i.Redirect.All = route.Redirect{Status: 308, URL: "https://a.example/p?q"}
		}},
		"a temporal redirect wins": {map[string]string{
			"temporal-redirect": "https://a.example/t", "temporal-redirect-code": "307", "permanent-redirect": "https://a.example/p",
		}, func(i *config.Ingress) { i.Redirect.All = route.Redirect{Status: 307, URL: "https://a.example/t"} }},
		"rewriting": {map[string]string{"rewrite-target": "/$2", "use-regex": "true", "x-forwarded-prefix": "/pre"}, func(i *config.Ingress) {
			i.Rewrite = config.Rewrite{Target: "/$2", Regex: true, Prefix: "/pre"}
		}},
		"aliases": {map[string]string{"server-alias": "A.example, *.b.example,"}, func(i *config.Ingress) {
			i.Aliases = []string{"a.example", "*.b.example"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			global, _ := config.ParseConfigMap(compatibility.Mend, nil)
			want, _ := config.ParseAnnotations("p", nil, global)
			test.want(&want)
			got, faults := config.ParseAnnotations("p", prefixed(test.annotations), global)
			if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
				t.Errorf("%s %v", diff, faults)
			}
		})
	}
}

// TestFaults gives each annotation a value that is wrong: it then counts as not given, and its key is in the message.
func TestFaults(t *testing.T) {
	for key, values := range map[string][]string{
		"canary":                           {"yes", "TRUE!"},
		"canary-weight":                    {"-1", "ten", "1.5", "99999999999999999999"},
		"canary-weight-total":              {"0", "-1", "x"},
		"upstream-vhost":                   {"$request_uri", "$service_names", "a b", "a/$namespace", "$", "${namespace"},
		"canary-by-header":                 {"two words", "colon:", "ümlaut", "line\nfeed"},
		"canary-by-header-value":           {"line\nfeed"},
		"canary-by-header-pattern":         {"[", "(?<look>", `\`},
		"canary-by-cookie":                 {"a=b", "a;b"},
		"affinity":                         {"ip", "Cookie"},
		"affinity-mode":                    {"sticky"},
		"affinity-canary-behavior":         {"loose"},
		"session-cookie-name":              {"a b"},
		"session-cookie-path":              {"shop", "/shop; Secure", "/\x00"},
		"session-cookie-max-age":           {"-1", "1h", "99999999999"},
		"session-cookie-samesite":          {"weird"},
		"session-cookie-domain":            {"a b", "x;y"},
		"session-cookie-expires":           {"-1", "x"},
		"session-cookie-change-on-failure": {"never"},
		"session-cookie-secure":            {"maybe"},
		"ssl-redirect":                     {"on"},
		"force-ssl-redirect":               {"off"},
		"proxy-connect-timeout":            {"0", "-5", "5s"},
		"proxy-read-timeout":               {"0", "1e3", strings.Repeat("9", 40)},
		"proxy-body-size":                  {"m", "8mb", "-1", "1.5m", "8 m", "9999999999g", "0x10"},
		"backend-protocol":                 {"http2", "SMTP"},
		"proxy-ssl-name":                   {"a b", "a;b", "ü"},
		"proxy-ssl-server-name":            {"true"},
		"proxy-ssl-verify":                 {"true", "optional"},
		"proxy-ssl-verify-depth":           {"0", "x"},
		"app-root":                         {"app", "/a b", "https://a.example"},
		"permanent-redirect":               {"not a url", "/a", "ftp://a.example", "https://a.example/$request_uri", "https:///x"},
		"permanent-redirect-code":          {"200", "304", "x"},
		"temporal-redirect":                {"a.example"},
		"temporal-redirect-code":           {"308"},
		"from-to-www-redirect":             {"yes"},
		"preserve-trailing-slash":          {"no"},
		"rewrite-target":                   {"/$1;x", "/a b", "/\x00", "/ü"},
		"use-regex":                        {"regex"},
		"x-forwarded-prefix":               {"/$1", "a\r\nb"},
		"server-alias":                     {"~^www", "a b", "*"},
	} {
		for _, value := range values {
			global, _ := config.ParseConfigMap(compatibility.Mend, nil)
			want, _ := config.ParseAnnotations("p", map[string]string{"p/canary": "true"}, global)
			annotations := map[string]string{"p/canary": "true", "p/" + key: value}
			if key == "canary" {
				want.Canary = nil
			}
			if key == "proxy-ssl-verify" { // in doubt on
				want.BackendTLS = config.BackendTLS{Verify: true, VerifyDepth: 1}
			}
			got, faults := config.ParseAnnotations("p", annotations, global)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %q is used: %s", key, value, diff)
			}
			if len(faults) != 1 || faults[0].Key != "p/"+key || !strings.HasPrefix(faults[0].Message, "p/"+key+": ") || faults[0].Unsupported {
				t.Errorf("%s: %q gives the faults %+v", key, value, faults)
			}
		}
	}
}

func TestUnsupported(t *testing.T) {
	annotations := map[string]string{
		"p/relative-redirects": "true",
		"p/no-such-annotation": "/",
		"other/rewrite-target": "/", "p2/canary": "x", "p": "x",
	}
	global, _ := config.ParseConfigMap(compatibility.Mend, nil)
	_, faults := config.ParseAnnotations("p", annotations, global)
	var keys []string
	for _, fault := range faults {
		if !fault.Unsupported {
			t.Errorf("%s counts as a wrong value", fault.Key)
		}
		keys = append(keys, fault.Key)
	}
	want := []string{
		"p/no-such-annotation", "p/relative-redirects",
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
	if _, faults := config.ParseConfigMap(compatibility.Mend, map[string]string{"no-such-key": "4"}); len(faults) != 1 || !faults[0].Unsupported {
		t.Errorf("an unknown key of the ConfigMap gives %+v", faults)
	}
}

// TestAccessControlCloses: if a setting that restricts access can't be applied, the paths are denied; of the ConfigMap, those of
// all Ingresses.
func TestAccessControlCloses(t *testing.T) {
	const name = "configuration-snippet"
	got, faults := config.ParseAnnotations("p", map[string]string{"p/" + name: "deny all;"}, config.Global{})
	if !strings.HasPrefix(got.Denied, name+": ") || len(faults) != 1 || faults[0].Unsupported || faults[0].Key != "p/"+name {
		t.Errorf("denied is %q, faults %+v", got.Denied, faults)
	}
	if got, _ := config.ParseAnnotations("p", map[string]string{"p/fastcgi-index": "i", "q/" + name: "x"}, config.Global{}); got.Denied != "" {
		t.Error("closed without access control")
	}
	global, faults := config.ParseConfigMap(compatibility.Mend, map[string]string{"http-snippet": "deny all;"})
	if !strings.HasPrefix(global.Denied, "http-snippet: ") || len(faults) != 1 || faults[0].Unsupported {
		t.Errorf("denied is %q, faults %+v", global.Denied, faults)
	}
	if got, faults := config.ParseAnnotations("p", nil, global); got.Denied != global.Denied || len(faults) > 0 {
		t.Errorf("an Ingress is closed by %q, faults %+v", got.Denied, faults)
	}
}

// TestDifferences has the values that mean something else in the mode ingress-nginx.
func TestDifferences(t *testing.T) {
	annotations := prefixed(map[string]string{
		"canary": "true", "canary-weight": "25", "canary-weight-total": "50", "affinity": "cookie", "session-cookie-samesite": "None",
		"proxy-ssl-server-name": "on", "proxy-ssl-name": "backend.example",
	})
	for mode, want := range map[compatibility.Mode]struct {
		total                 int
		stay, secure, anyPeer bool
		// ownPort is that of forwarded headers.
		ownPort bool
		tls     config.BackendTLS
		faults  int
	}{
		compatibility.Mend:         {50, false, true, false, false, config.BackendTLS{ServerName: "backend.example", SendServerName: true}, 0},
		compatibility.IngressNginx: {100, true, false, true, true, config.BackendTLS{}, 1},
	} {
		global, _ := config.ParseConfigMap(mode, map[string]string{"use-forwarded-headers": "true"})
		got, faults := config.ParseAnnotations("p", annotations, global)
		if got.Canary.Weight != 25 || got.Canary.WeightTotal != want.total || got.Affinity.Stay != want.stay ||
			got.Affinity.Secure != want.secure || global.Clients.Forwarded.AnyPeer != want.anyPeer ||
			global.Clients.Forwarded.OwnPort != want.ownPort || got.BackendTLS != want.tls || len(faults) != want.faults {
			t.Errorf("%s: %+v, %+v, %+v, %v", mode, got.Canary, got.Affinity, got.BackendTLS, faults)
		}
	}
}

// TestHeaderSizes limits headers as ingress-nginx does, or leaves them to the proxy.
func TestHeaderSizes(t *testing.T) {
	for _, c := range []struct {
		settings, annotations map[string]string
		want                  route.HeaderLimits
		reply, faults         int
	}{
		{nil, nil, route.HeaderLimits{Bytes: 33 << 10, Line: 8 << 10, Fields: 1024}, 4 << 10, 0},
		{
			map[string]string{"large-client-header-buffers": "2 16k", "proxy-buffer-size": "8k"}, nil,
			route.HeaderLimits{Bytes: 33 << 10, Line: 16 << 10, Fields: 1024}, 8 << 10, 0,
		},
		{nil, map[string]string{"proxy-buffer-size": "16k"}, route.HeaderLimits{Bytes: 33 << 10, Line: 8 << 10, Fields: 1024}, 16 << 10, 0},
		{
			map[string]string{"large-client-header-buffers": "10000 8k"}, nil,
			route.HeaderLimits{Bytes: 1<<20 + 1<<10, Line: 8 << 10, Fields: 1024}, 4 << 10, 0,
		},
		{
			map[string]string{"large-client-header-buffers": "8k", "proxy-buffer-size": "huge"}, map[string]string{"proxy-buffer-size": "0"},
			route.HeaderLimits{Bytes: 33 << 10, Line: 8 << 10, Fields: 1024}, 4 << 10, 3,
		},
	} {
		for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
			want, reply, faults := c.want, c.reply, c.faults
			if mode == compatibility.Mend {
				want, reply, faults = route.HeaderLimits{}, 0, 0
			}
			global, wrong := config.ParseConfigMap(mode, c.settings)
			got, more := config.ParseAnnotations("p", prefixed(c.annotations), global)
			if wrong = append(wrong, more...); global.RequestHeaders != want || got.ReplyHeader != reply || len(wrong) != faults {
				t.Errorf("%s, %v, %v: got %+v, %d, %v", mode, c.settings, c.annotations, global.RequestHeaders, got.ReplyHeader, wrong)
			}
		}
	}
}

// TestEmptyValues counts settings with an empty value, as charts write them, as not given.
func TestEmptyValues(t *testing.T) {
	annotations := map[string]string{
		"p/canary": "", "p/affinity": " ", "p/proxy-body-size": "", "p/ssl-redirect": "", "p/proxy-read-timeout": "", "p/session-cookie-name": "",
	}
	global, _ := config.ParseConfigMap(compatibility.Mend, map[string]string{"proxy-body-size": "", "hsts": ""})
	want, _ := config.ParseAnnotations("p", nil, global)
	got, faults := config.ParseAnnotations("p", annotations, global)
	if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
		t.Errorf("%s %v", diff, faults)
	}
}

func TestLongValuesAreShortened(t *testing.T) {
	_, faults := config.ParseConfigMap(compatibility.Mend, map[string]string{"hsts": strings.Repeat("é", 100_000)})
	if len(faults) != 1 || len(faults[0].Message) > 300 {
		t.Errorf("message of %d bytes", len(faults[0].Message))
	}
}

func parse(t *testing.T, settings, annotations map[string]string) config.Ingress {
	t.Helper()
	global, faults := config.ParseConfigMap(compatibility.Mend, settings)
	ingress, more := config.ParseAnnotations("p", prefixed(annotations), global)
	if faults = append(faults, more...); len(faults) > 0 || ingress.Denied != "" {
		t.Fatalf("denied: %q, faults %v", ingress.Denied, faults)
	}
	return ingress
}

func prefixed(annotations map[string]string) map[string]string {
	all := map[string]string{}
	for key, value := range annotations {
		all["p/"+key] = value
	}
	return all
}

// FuzzAnnotations gives every annotation that there is any value: what comes out must be usable as it is.
func FuzzAnnotations(f *testing.F) {
	for _, seed := range []string{"true", "10", "8m", "[", "cookie", "GRPC", "\x00", "9223372036854775807g", "-", "Lax", "/p", ""} {
		f.Add(seed, seed)
	}
	keys := []string{
		"canary", "canary-by-header", "canary-by-header-value", "canary-by-header-pattern", "canary-by-cookie",
		"canary-weight-total", "canary-weight", "affinity", "affinity-mode", "affinity-canary-behavior", "session-cookie-name",
		"session-cookie-path", "session-cookie-max-age", "session-cookie-samesite", "session-cookie-secure", "ssl-redirect",
		"force-ssl-redirect", "proxy-connect-timeout", "proxy-read-timeout", "proxy-body-size", "backend-protocol",
		"proxy-ssl-secret", "proxy-ssl-name", "proxy-ssl-server-name", "proxy-ssl-verify", "proxy-ssl-verify-depth",
		"app-root", "permanent-redirect", "permanent-redirect-code", "temporal-redirect", "rewrite-target", "x-forwarded-prefix",
		"server-alias", "enable-cors", "cors-allow-origin", "cors-allow-methods", "cors-allow-headers", "cors-expose-headers",
		"cors-max-age", "custom-headers", "connection-proxy-header", "proxy-cookie-path", "proxy-cookie-domain", "proxy-redirect-from",
	}
	f.Fuzz(func(t *testing.T, value, other string) {
		global, _ := config.ParseConfigMap(compatibility.Mend, map[string]string{"proxy-body-size": other, "proxy-read-timeout": other})
		for _, key := range keys {
			annotations := map[string]string{"p/canary": "true", "p/affinity": "cookie", "p/enable-cors": "true", "p/" + other: value, "p/" + key: value}
			got, faults := config.ParseAnnotations("p", annotations, global)
			if got.MaxBodyBytes < 0 || got.Timeouts.Connect < 0 || got.Timeouts.Response < 0 {
				t.Errorf("%s=%q: negative limits %+v", key, value, got)
			}
			if c := got.Canary; c != nil && (c.Weight < 0 || c.WeightTotal < 1 || c.Weight > c.WeightTotal || c.WeightTotal > math.MaxInt32) {
				t.Errorf("%s=%q: weight %d of %d", key, value, c.Weight, c.WeightTotal)
			}
			if a := got.Affinity; a != (policy.Affinity{}) && (a.Cookie == "" || strings.ContainsAny(a.Cookie+a.Path+a.SameSite, ";\r\n\x00")) {
				t.Errorf("%s=%q: cookie %+v", key, value, a)
			}
			if strings.ContainsAny(got.Redirect.Root+got.Redirect.All.URL+got.Rewrite.Target+got.Rewrite.Prefix, " \r\n\x00") {
				t.Errorf("%s=%q: redirect %+v, rewrite %+v", key, value, got.Redirect, got.Rewrite)
			}
			if cors := got.Replies.CORS; strings.ContainsAny(cors.Origins+cors.Methods+cors.Headers+cors.Expose, "\r\n\x00") {
				t.Errorf("%s=%q: %+v", key, value, cors)
			}
			if c := got.Replies.Cookies; strings.ContainsAny(c.PathFrom+c.PathTo+c.DomainFrom+c.DomainTo+got.Replies.Location.To, "\r\n; ") {
				t.Errorf("%s=%q: %+v", key, value, got.Replies)
			}
			for _, fault := range faults {
				if fault.Message == "" || !strings.HasPrefix(fault.Key, "p/") {
					t.Errorf("%s=%q: fault %+v", key, value, fault)
				}
			}
		}
	})
}
