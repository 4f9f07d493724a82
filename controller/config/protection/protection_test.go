package protection_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/config/protection"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
)

func read(t *testing.T, settings, annotations map[string]string) protection.Settings {
	t.Helper()
	configMap := setting.NewReader(setting.ConfigMap(), "", settings)
	global := protection.ReadGlobal(configMap)
	r := setting.NewReader(setting.Annotations(), "", annotations)
	got := protection.Read(r, &global)
	if faults := append(configMap.Faults(), r.Faults()...); len(faults) > 0 || configMap.Denied() != "" || r.Denied() != "" {
		t.Fatalf("denied: %q, %q, faults %v", configMap.Denied(), r.Denied(), faults)
	}
	return got
}

func networks(texts ...string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
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
			if got := read(t, c.settings, c.annotations).Addresses; !got.Equal(c.want) {
				t.Errorf("got %s, want %s", got.Text(), c.want.Text())
			}
		})
	}
}

func TestExternal(t *testing.T) {
	for text, want := range map[string]protection.External{
		"http://auth.example":                  {Server: protection.Server{Host: "auth.example", Port: 80, Target: "/"}, Policy: access.External{Path: "/"}},
		"https://Auth.example/a/b?c=$host":     {Server: protection.Server{Secure: true, Host: "auth.example", Port: 443, Target: "/a/b?c=$host"}, Policy: access.External{Path: "/a/b?c=$host"}},
		"http://auth.example:8080?x":           {Server: protection.Server{Host: "auth.example", Port: 8080, Target: "/?x"}, Policy: access.External{Path: "/?x"}},
		"http://10.0.0.1/":                     {Server: protection.Server{Host: "10.0.0.1", Port: 80, Target: "/"}, Policy: access.External{Path: "/"}},
		"http://[2001:db8::1]:81/":             {Server: protection.Server{Host: "2001:db8::1", Port: 81, Target: "/"}, Policy: access.External{Path: "/"}},
		"https://$host/oauth2/auth":            {Server: protection.Server{Secure: true, Host: "$host", Port: 443, Target: "/oauth2/auth"}, Policy: access.External{Path: "/oauth2/auth"}},
		"https://$host:8443/oauth2/auth":       {Server: protection.Server{Secure: true, Host: "$host", Port: 8443, Target: "/oauth2/auth"}, Policy: access.External{Path: "/oauth2/auth"}},
		"http://auth.example$request_uri":      {Server: protection.Server{Host: "auth.example", Port: 80, Target: "$request_uri"}, Policy: access.External{Path: "$request_uri"}},
		"http://$host$uri":                     {Server: protection.Server{Host: "$host", Port: 80, Target: "$uri"}, Policy: access.External{Path: "$uri"}},
		"http://auth.tools.svc.cluster.local/": {Server: protection.Server{Host: "auth.tools.svc.cluster.local", Port: 80, Target: "/"}, Policy: access.External{Path: "/"}},
	} {
		got := read(t, nil, map[string]string{"auth-url": text}).External
		if got == nil || !cmp.Equal(*got, want) {
			t.Errorf("%s: %s", text, cmp.Diff(&want, got))
		}
	}
	for value, want := range map[string]bool{"": false, "0": false, "10": true} {
		annotations := map[string]string{"auth-url": "http://a/", "auth-keepalive": value}
		if got := read(t, nil, annotations).External.Policy.KeepConnections; got != want {
			t.Errorf("auth-keepalive %q: got %v, want %v", value, got, want)
		}
	}
	got := read(t, nil, map[string]string{
		"auth-url": "http://a/", "auth-cache-key": "$host", "auth-cache-duration": "200 202 10m, 401 5s, any 1, 1d",
	}).External.Policy.Cache
	want := []access.CacheTime{
		{Status: 200, For: 10 * time.Minute}, {Status: 202, For: 10 * time.Minute}, {Status: 401, For: 5 * time.Second}, {For: time.Second},
		{Status: 200, For: 24 * time.Hour}, {Status: 301, For: 24 * time.Hour}, {Status: 302, For: 24 * time.Hour},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGlobalExternal(t *testing.T) {
	global := map[string]string{"global-auth-url": "http://global/", "global-auth-method": "POST"}
	for _, c := range []struct {
		annotations map[string]string
		want        string
	}{
		{nil, "global POST"}, {map[string]string{"enable-global-auth": "false"}, ""},
		{map[string]string{"auth-url": "http://own/"}, "own "}, {map[string]string{"enable-global-auth": "true"}, "global POST"},
	} {
		got := ""
		if external := read(t, global, c.annotations).External; external != nil {
			got = external.Server.Host + " " + external.Policy.Method
		}
		if got != c.want {
			t.Errorf("%v: got %q, want %q", c.annotations, got, c.want)
		}
	}
}

func TestAuthority(t *testing.T) {
	for want, a := range map[string]protection.Server{
		"h": {Port: 80}, "h:443": {Port: 443}, "h:80": {Secure: true, Port: 80},
	} {
		if got := a.Authority("h"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	secure := protection.Server{Secure: true, Port: 443}
	if got := secure.Authority("2001:db8::1"); got != "[2001:db8::1]" {
		t.Errorf("got %q", got)
	}
}

func FuzzAuthURL(f *testing.F) {
	for _, seed := range []string{"http://a:80/b?c=$host", "https://$host", "http://[::1]/", "http://a/${", "https://$host:x"} {
		f.Add(seed, "200 202 10m, any 5s")
	}
	f.Fuzz(func(t *testing.T, url, duration string) {
		annotations := map[string]string{"p/auth-url": url, "p/auth-signin": url, "p/auth-cache-key": url, "p/auth-cache-duration": duration}
		r := setting.NewReader(setting.Annotations(), "p/", annotations)
		external := protection.Read(r, &protection.Global{}).External
		if external == nil || r.Denied() != "" {
			return
		}
		if external.Server.Host == "" || external.Server.Port == 0 || !strings.HasPrefix(external.Policy.Path, "/") && !strings.HasPrefix(external.Policy.Path, "$") ||
			strings.ContainsAny(external.Policy.Path+external.Policy.SignIn, " \r\n\x00") {
			t.Errorf("%q gives %+v", url, external)
		}
		if host, ok := protection.AuthServer("p", annotations); !ok || host != external.Server.Host {
			t.Errorf("%q is resolved as %q", url, host)
		}
	})
}
