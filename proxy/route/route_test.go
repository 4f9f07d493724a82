package route

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func sample() *Table {
	return &Table{
		Hosts: []Host{
			{Name: "gyull.com", Routes: []Route{
				{Path: "/b", Backend: Backend{Upstream: "u2", Origin: Origin{"ns", "ing", "svc", "8080"}}},
				{Path: "/a", Match: Exact, Backend: Backend{Upstream: "u1"}, Canary: &Canary{
					Backend: Backend{Upstream: "u2"}, Header: "X-C", HeaderPattern: "a.*", Cookie: "c", Weight: 10,
				}, Policy: Policy{
					RedirectToHTTPS: true, HSTS: "max-age=1", Affinity: &Affinity{Cookie: "s", MaxAge: time.Hour},
					MaxBodyBytes: 5, ConnectTimeout: time.Second, ResponseTimeout: time.Minute,
				}},
			}},
			{Name: "", Routes: []Route{{Path: "/"}}},
		},
		Upstreams: []Upstream{
			{Name: "u2", Protocol: H2C},
			{Name: "u3", Protocol: HTTPS, TLS: &TLS{
				ServerName: "svc", SendServerName: true, Verify: true, VerifyDepth: 1, RootsPEM: []byte("r"),
				Certificate: &Certificate{Origin: "ns/client", ChainPEM: []byte("x"), KeyPEM: []byte("secret")},
			}},
			{Name: "u1", Endpoints: []Endpoint{
				{Address: netip.MustParseAddrPort("10.0.0.2:80"), Pod: "pod-2"}, {Address: netip.MustParseAddrPort("10.0.0.1:80")},
			}},
		},
		Certificates:       []Certificate{{Origin: "ns/b", Hosts: []string{"b", "c"}, ChainPEM: []byte("x"), KeyPEM: []byte("secret")}},
		DefaultCertificate: &Certificate{ChainPEM: []byte("y")},
	}
}

func TestWriteText(t *testing.T) {
	const want = `host _
  prefix / -> -
host gyull.com
  exact /a -> u1
    redirect to https
    hsts "max-age=1"
    affinity cookie="s" path="" max-age=1h0m0s same-site="" secure=false
    max body 5 bytes
    connect timeout 1s
    response timeout 1m0s
    canary header="X-C" pattern="a.*" cookie="c" weight=10/100 -> u2
  prefix /b -> u2 (ns/ing svc:8080)
upstream u1
  10.0.0.2:80 pod-2
  10.0.0.1:80
upstream u2 h2c
upstream u3 https
  tls name="svc" sent verify depth=1 roots=sha256:454349e422f05297 certificate=ns/client sha256:2d711642b726b044
certificate ns/b sha256:2d711642b726b044 for b c
default certificate - sha256:a1fce4363854ff88 for its own names
forwarded headers from=10.0.0.0/8
`
	var got strings.Builder
	table := sample()
	table.Forwarded = Forwarded{TrustHeaders: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	if err := table.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

func TestEqual(t *testing.T) {
	if a, b := sample(), sample(); !a.Equal(b) || !a.Equal(a) || a.Equal(nil) || !(*Table)(nil).Equal(nil) {
		t.Error("equal tables differ, or differ from nothing")
	}
	for name, change := range map[string]func(*Table){
		"host":             func(t *Table) { t.Hosts[0].Name = "x" },
		"hosts":            func(t *Table) { t.Hosts = t.Hosts[:1] },
		"path":             func(t *Table) { t.Hosts[0].Routes[0].Path = "/x" },
		"match":            func(t *Table) { t.Hosts[0].Routes[0].Match = Exact },
		"origin":           func(t *Table) { t.Hosts[0].Routes[0].Backend.Origin.Port = "1" },
		"policy":           func(t *Table) { t.Hosts[0].Routes[0].Policy.HSTS = "x" },
		"affinity":         func(t *Table) { t.Hosts[0].Routes[1].Policy.Affinity.Secure = true },
		"no affinity":      func(t *Table) { t.Hosts[0].Routes[1].Policy.Affinity = nil },
		"canary":           func(t *Table) { t.Hosts[0].Routes[1].Canary.Weight++ },
		"no canary":        func(t *Table) { t.Hosts[0].Routes[1].Canary = nil },
		"protocol":         func(t *Table) { t.Upstreams[0].Protocol = HTTP1 },
		"tls":              func(t *Table) { t.Upstreams[1].TLS = nil },
		"tls name":         func(t *Table) { t.Upstreams[1].TLS.ServerName = "x" },
		"tls sni":          func(t *Table) { t.Upstreams[1].TLS.SendServerName = false },
		"tls verify":       func(t *Table) { t.Upstreams[1].TLS.Verify = false },
		"tls depth":        func(t *Table) { t.Upstreams[1].TLS.VerifyDepth++ },
		"tls roots":        func(t *Table) { t.Upstreams[1].TLS.RootsPEM = nil },
		"tls certificate":  func(t *Table) { t.Upstreams[1].TLS.Certificate = nil },
		"trust":            func(t *Table) { t.Forwarded.TrustHeaders = true },
		"endpoint":         func(t *Table) { t.Upstreams[2].Endpoints[0].Pod = "x" },
		"order":            func(t *Table) { e := t.Upstreams[2].Endpoints; e[0], e[1] = e[1], e[0] },
		"certificate":      func(t *Table) { t.Certificates[0].ChainPEM = nil },
		"key":              func(t *Table) { t.Certificates[0].KeyPEM = []byte("x") },
		"certificate host": func(t *Table) { t.Certificates[0].Hosts[0] = "x" },
		"default":          func(t *Table) { t.DefaultCertificate = nil },
	} {
		changed := sample()
		change(changed)
		if changed.Equal(sample()) || sample().Equal(changed) {
			t.Errorf("another %s makes no difference", name)
		}
	}
}

func TestValidate(t *testing.T) {
	if problems := sample().Validate(); len(problems) > 0 {
		t.Errorf("got %v", problems)
	}
	for _, name := range []string{"A", "a:80", "a b", ".a", "a.", "*a.b", "a.*", "*.", "a..b", "*.*.b"} {
		if problems := (&Table{Hosts: []Host{{Name: name}}}).Validate(); len(problems) != 1 {
			t.Errorf("%q: got %v", name, problems)
		}
	}
	twice := &Table{Hosts: []Host{{Name: "a"}, {Name: "a"}}, Upstreams: []Upstream{{Name: "u"}, {Name: "u"}}}
	if problems := twice.Validate(); len(problems) != 2 {
		t.Errorf("got %v", problems)
	}
}
