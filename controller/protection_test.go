package controller_test

import (
	"maps"
	"net/http"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// protection is what the tests try of one setting that restricts access.
type protection struct {
	// base are settings that let the client in; the setting itself may be among them.
	base map[string]string
	// closed are values of the setting with which the client must not be let in: valid ones that exclude it, wrong ones, and
	// names of objects and servers that don't exist.
	closed []string
	// open says why no value excludes the client, if closed is empty.
	open string
}

// TestEveryProtectingSettingIsTried compares the cases with the tables of all settings: each setting that restricts access
// needs a case.
func TestEveryProtectingSettingIsTried(t *testing.T) {
	for kind, tried := range map[string]struct {
		table setting.Table
		cases map[string]protection
	}{
		"annotation":           {setting.Annotations(), protectingAnnotations()},
		"key of the ConfigMap": {setting.ConfigMap(), protectingKeys()},
	} {
		for _, group := range tried.table.Groups() {
			for i := range group.Settings {
				s := &group.Settings[i]
				p, found := tried.cases[s.Name]
				switch {
				case s.Decision.Protects && !found:
					t.Errorf("the %s %s restricts access, and no case tries it", kind, s.Name)
				case !s.Decision.Protects && found:
					t.Errorf("the %s %s has a case, and doesn't restrict access", kind, s.Name)
				case found && (len(p.closed) == 0) != (p.open != ""):
					t.Errorf("the case of the %s %s must have values, or say why there are none", kind, s.Name)
				}
			}
		}
		for name := range tried.cases {
			if tried.table.Lookup(name) == nil {
				t.Errorf("there is no %s %s", kind, name)
			}
		}
	}
}

// TestAccessControlFailsClosed gives each setting that restricts access each of its values. The client, which the other
// settings let in, must not reach the backend: not while tables are swapped, nor when other Ingresses claim the path.
func TestAccessControlFailsClosed(t *testing.T) {
	for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
		t.Run(mode.String(), func(t *testing.T) {
			for name, p := range protectingAnnotations() {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					failsClosed(t, mode, name, p, func(proxy *protected, values map[string]string) { proxy.annotations = values })
				})
			}
			for name, p := range protectingKeys() {
				t.Run("ConfigMap "+name, func(t *testing.T) {
					t.Parallel()
					failsClosed(t, mode, name, p, func(proxy *protected, values map[string]string) { proxy.settings = values })
				})
			}
		})
	}
}

func failsClosed(t *testing.T, mode compatibility.Mode, name string, p protection, set func(*protected, map[string]string)) {
	t.Helper()
	if len(p.closed) == 0 {
		t.Skip(p.open)
	}
	proxy := newProtected(t, mode)
	set(proxy, p.base)
	proxy.apply()
	if status := proxy.request("/"); status != http.StatusOK || proxy.served.Swap(0) != 1 {
		t.Fatalf("with %q alone, which let the client in, it gets %d", p.base, status)
	}
	given := func(value string) map[string]string {
		values := map[string]string{}
		maps.Copy(values, p.base)
		values[name] = value
		return values
	}
	set(proxy, given(p.closed[0]))
	proxy.apply()
	stop := proxy.keepRequesting()
	defer stop()
	for _, value := range p.closed {
		set(proxy, given(value))
		proxy.neverServes()
		if t.Failed() {
			t.Fatalf("with %q", given(value))
		}
	}
}

// TestProtectionsTogether has settings whose combination excludes the client.
func TestProtectionsTogether(t *testing.T) {
	for name, c := range protectingCombinations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
				proxy := newProtected(t, mode)
				proxy.annotations, proxy.settings = c.annotations, c.settings
				proxy.apply()
				stop := proxy.keepRequesting()
				proxy.neverServes()
				stop()
			}
		})
	}
}

// TestProtectionsLetClientsIn has values that exclude other clients, so that those of the cases above fail because of
// what they are about.
func TestProtectionsLetClientsIn(t *testing.T) {
	for _, annotations := range []map[string]string{
		{"whitelist-source-range": "127.0.0.1"}, {"denylist-source-range": "10.0.0.0/8"}, {"limit-rps": "100"},
		{"auth-url": "http://10.9.0.1/200"}, {"auth-type": "basic", "auth-secret": "known"},
		{"auth-tls-secret": "ns/authorities", "auth-tls-verify-client": "off"}, {"ssl-passthrough": "false"}, {"ssl-ciphers": "HIGH"},
	} {
		proxy := newProtected(t, compatibility.Mend)
		proxy.annotations = annotations
		proxy.apply()
		if status := proxy.request("/"); status != http.StatusOK || proxy.served.Load() != 1 {
			t.Errorf("%v: got %d", annotations, status)
		}
	}
}

// neverServes requests the protected paths, alone and while other Ingresses without protection claim them.
func (p *protected) neverServes() {
	p.t.Helper()
	younger := p.ingress("younger", "/", nil)
	canary := p.ingress("canary", "/", map[string]string{"canary": "true", "canary-weight": "100"})
	other := p.ingress("other", "/other", nil)
	p.apply()
	for _, path := range []string{"/", "/a", "//", "/%2e%2e/a", "/.well-known/acme-challenge/x"} {
		p.refused("alone", path)
	}
	for situation, others := range map[string][]*networkingv1.Ingress{
		"beside another path": {other}, "with a younger Ingress of the path": {younger, other}, "with a canary": {canary},
	} {
		p.apply(others...)
		p.refused(situation, "/")
		p.refused(situation, "/a")
	}
	p.apply()
}
