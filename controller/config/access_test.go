package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
)

func parse(t *testing.T, settings, annotations map[string]string) config.Ingress {
	t.Helper()
	global, faults := config.ParseConfigMap(compatibility.Mend, settings)
	ingress, more := config.ParseAnnotations("p", prefixed(annotations), global)
	if faults = append(faults, more...); len(faults) > 0 || ingress.Denied != "" {
		t.Fatalf("denied: %q, faults %v", ingress.Denied, faults)
	}
	return ingress
}

func TestAddresses(t *testing.T) {
	global := map[string]string{"whitelist-source-range": "10.0.0.0/8", "denylist-source-range": "10.1.0.0/16"}
	for _, c := range []struct {
		name                  string
		settings, annotations map[string]string
		want                  access.Addresses
	}{
		{"none", nil, nil, access.Addresses{}},
		{"a list", nil, map[string]string{"whitelist-source-range": " 192.0.2.1 ,10.9.9.9/8,, 2001:db8::/32"},
			access.Addresses{Allow: networks("10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32")}},
		{"the other name", nil, map[string]string{"allowlist-source-range": "::1"}, access.Addresses{Allow: networks("::1/128")}},
		{"both names", nil, map[string]string{"allowlist-source-range": "::1,::2", "whitelist-source-range": "::2,::1"},
			access.Addresses{Allow: networks("::1/128", "::2/128")}},
		{"denied", nil, map[string]string{"denylist-source-range": "10.0.0.1"}, access.Addresses{Deny: networks("10.0.0.1/32")}},
		{"everybody", nil, map[string]string{"whitelist-source-range": "0.0.0.0/0,::/0"}, access.Addresses{}},
		{"everybody over IPv4", nil, map[string]string{"whitelist-source-range": "0.0.0.0/0"}, access.Addresses{}},
		{"all of IPv4 and some of IPv6", nil, map[string]string{"whitelist-source-range": "0.0.0.0/0,2001:db8::/32"},
			access.Addresses{Allow: networks("0.0.0.0/0", "2001:db8::/32")}},
		{"of the ConfigMap", global, nil, access.Addresses{Allow: networks("10.0.0.0/8"), Deny: networks("10.1.0.0/16")}},
		{"an annotation overrides", global, map[string]string{"whitelist-source-range": "0.0.0.0/0,::/0"},
			access.Addresses{Deny: networks("10.1.0.0/16")}},
		{"both annotations override", global, map[string]string{"allowlist-source-range": "::1", "denylist-source-range": "::2"},
			access.Addresses{Allow: networks("::1/128"), Deny: networks("::2/128")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(t, c.settings, c.annotations).Access.Addresses; !got.Equal(c.want) {
				t.Errorf("got %s, want %s", got.Text(), c.want.Text())
			}
		})
	}
}

func TestExternalAuthSettings(t *testing.T) {
	for text, want := range map[string]config.ExternalAuth{
		"http://auth.example":                  {ServerHost: "auth.example", Port: 80, Policy: access.External{Path: "/"}},
		"https://Auth.example/a/b?c=$host":     {Secure: true, ServerHost: "auth.example", Port: 443, Policy: access.External{Path: "/a/b?c=$host"}},
		"http://auth.example:8080?x":           {ServerHost: "auth.example", Port: 8080, Policy: access.External{Path: "/?x"}},
		"http://10.0.0.1/":                     {ServerHost: "10.0.0.1", Port: 80, Policy: access.External{Path: "/"}},
		"http://[2001:db8::1]:81/":             {ServerHost: "2001:db8::1", Port: 81, Policy: access.External{Path: "/"}},
		"https://$host/oauth2/auth":            {Secure: true, ServerHost: "$host", Port: 443, Policy: access.External{Path: "/oauth2/auth"}},
		"https://$host:8443/oauth2/auth":       {Secure: true, ServerHost: "$host", Port: 8443, Policy: access.External{Path: "/oauth2/auth"}},
		"http://auth.tools.svc.cluster.local/": {ServerHost: "auth.tools.svc.cluster.local", Port: 80, Policy: access.External{Path: "/"}},
	} {
		got := parse(t, nil, map[string]string{"auth-url": text}).Access.External
		if got == nil || !cmp.Equal(*got, want) {
			t.Errorf("%s: %s", text, cmp.Diff(&want, got))
		}
	}
	got := parse(t, nil, map[string]string{
		"auth-url": "http://a/", "auth-cache-key": "$host", "auth-cache-duration": "200 202 10m, 401 5s, any 1, 1d",
	}).Access.External.Policy.Cache
	want := []access.CacheTime{
		{Status: 200, For: 10 * time.Minute}, {Status: 202, For: 10 * time.Minute}, {Status: 401, For: 5 * time.Second}, {For: time.Second},
		{Status: 200, For: 24 * time.Hour}, {Status: 301, For: 24 * time.Hour}, {Status: 302, For: 24 * time.Hour},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGlobalExternalAuth(t *testing.T) {
	global := map[string]string{"global-auth-url": "http://global/", "global-auth-method": "POST"}
	for _, c := range []struct {
		annotations map[string]string
		want        string
	}{
		{nil, "global POST"}, {map[string]string{"enable-global-auth": "false"}, ""},
		{map[string]string{"auth-url": "http://own/"}, "own "}, {map[string]string{"enable-global-auth": "true"}, "global POST"},
	} {
		got := ""
		if external := parse(t, global, c.annotations).Access.External; external != nil {
			got = external.ServerHost + " " + external.Policy.Method
		}
		if got != c.want {
			t.Errorf("%v: got %q, want %q", c.annotations, got, c.want)
		}
	}
}

func TestAuthority(t *testing.T) {
	for want, a := range map[string]config.ExternalAuth{
		"h": {Port: 80}, "h:443": {Port: 443}, "h:80": {Secure: true, Port: 80},
	} {
		if got := a.Authority("h"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	secure := config.ExternalAuth{Secure: true, Port: 443}
	if got := secure.Authority("2001:db8::1"); got != "[2001:db8::1]" {
		t.Errorf("got %q", got)
	}
}

// TestProtectionFailsClosed gives each setting that restricts access values that are wrong.
func TestProtectionFailsClosed(t *testing.T) {
	wrong := map[string][]string{
		"whitelist-source-range": {"", ",", "garbage", "10.0.0.0/33", "10.0.0.0/8;", "10.0.0.0/8 11.0.0.0/8", "::1%eth0"},
		"allowlist-source-range": {"", "garbage"},
		"denylist-source-range":  {",", "garbage"},
		"satisfy":                {"some", "ANY"},
		"auth-type":              {"digest", "Basic", "basic"},
		"auth-secret":            {"users"},
		"auth-secret-type":       {"file"},
		"auth-url": {
			"not a url", "ftp://a/", "//a/", "http://", "http:///", "http://u:p@a/", "http://a b/", "http://a/ b", "http://a/#b", "http://a:0/",
			"http://a:99999/", "http://$unknown/", "http://a.$host/", "http://a/$unknown", "http://a/${", "http://a_b/",
		},
		"auth-method":                {"GET /", "TRACE", "get"},
		"auth-signin":                {"login", "https://l/$unknown", "javascript:alert(1)", "https://l/ x"},
		"auth-signin-redirect-param": {"a&b"},
		"auth-response-headers":      {"X-A, two words", ","},
		"auth-request-redirect":      {"$unknown"},
		"auth-cache-key":             {"$unknown"},
		"auth-cache-duration":        {"200 x", "x 5m", "999 5m", "200 5x", ","},
		"auth-snippet":               {"deny all;"},
		"auth-tls-secret":            {},
		"auth-tls-verify-client":     {"yes", "on"},
		"auth-tls-verify-depth":      {"-1", "x", "101"},
		"auth-tls-match-cn":          {"(", "CN=a"},
		"auth-tls-error-page":        {"page", "/page", "ftp://a/"},
		"limit-rps":                  {"many", "-1", "1.5"},
		"limit-rpm":                  {"many"},
		"limit-connections":          {"many"},
		"limit-burst-multiplier":     {"many"},
		"limit-whitelist":            {"garbage"},
		"auth-urls":                  {"http://a/"},
		"greylist-source-range":      {"10.0.0.0/8"},
	}
	for name, values := range wrong {
		for _, value := range values {
			annotations := map[string]string{name: value}
			if strings.HasPrefix(name, "auth-tls-") && value != "on" && value != "CN=a" {
				annotations["auth-tls-secret"] = "ns/authorities"
			}
			global, _ := config.ParseConfigMap(compatibility.Mend, nil)
			got, faults := config.ParseAnnotations("p", prefixed(annotations), global)
			if !strings.HasPrefix(got.Denied, name) || len(faults) == 0 || faults[0].Unsupported {
				t.Errorf("%s=%q: denied is %q, faults %+v", name, value, got.Denied, faults)
			}
		}
	}
	for name, values := range map[string][]string{
		"whitelist-source-range": {"garbage"}, "denylist-source-range": {"garbage"}, "block-cidrs": {"garbage"},
		"block-user-agents": {"~("}, "block-referers": {"~*("}, "global-auth-url": {"not a url"}, "global-auth-method": {"x"},
		"global-auth-signin": {"https://l/"}, "global-auth-snippet": {"deny all;"}, "global-auth-urls": {"x"}, "block-countries": {"x"},
	} {
		for _, value := range values {
			global, _ := config.ParseConfigMap(compatibility.Mend, map[string]string{name: value})
			if got, _ := config.ParseAnnotations("p", nil, global); !strings.HasPrefix(got.Denied, name) {
				t.Errorf("%s=%q in the ConfigMap: denied is %q", name, value, got.Denied)
			}
		}
	}
}

func FuzzAuthURL(f *testing.F) {
	for _, seed := range []string{"http://a:80/b?c=$host", "https://$host", "http://[::1]/", "http://a/${", "https://$host:x"} {
		f.Add(seed, "200 202 10m, any 5s")
	}
	f.Fuzz(func(t *testing.T, url, duration string) {
		annotations := prefixed(map[string]string{"auth-url": url, "auth-signin": url, "auth-cache-key": url, "auth-cache-duration": duration})
		got, _ := config.ParseAnnotations("p", annotations, config.Global{})
		external := got.Access.External
		if external == nil || got.Denied != "" {
			return
		}
		if external.ServerHost == "" || external.Port == 0 || !strings.HasPrefix(external.Policy.Path, "/") ||
			strings.ContainsAny(external.Policy.Path+external.Policy.SignIn, " \r\n\x00") {
			t.Errorf("%q gives %+v", url, external)
		}
		if host, ok := config.AuthServer("p", annotations); !ok || host != external.ServerHost {
			t.Errorf("%q is resolved as %q", url, host)
		}
	})
}
