package route

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/quirk"
)

// note is a policy of tests.
type note struct{ A, B string }

func (n note) Text() string            { return fmt.Sprintf("note %q %q", n.A, n.B) }
func (n note) Equal(other Policy) bool { return other == Policy(n) }

// sample sets every field of the model somewhere.
func sample() *Table {
	ingress := ObjectRef{"Ingress", "ns", "ing"}
	return &Table{
		Hosts: []Host{
			{Name: "gyull.com", Routes: []Route{
				{
					Match: PrefixPath("/b"), Source: ingress,
					Action: Forward{Backends: []Backend{{Upstream: "u2", Weight: 1, Service: ServiceRef{"ns", "svc", "8080"}}}},
				},
				{
					Match: ExactPath("/a"), Policies: []Policy{note{"one", "1"}, note{"two", "2"}},
					Action: Forward{
						Backends: []Backend{{Upstream: "u1", Weight: 3}, {Weight: 1, Deny: &Deny{500, "no Service"}}},
						Canary: &Canary{
							Backend: Backend{Upstream: "u2"}, Source: ObjectRef{"Ingress", "ns", "canary"},
							Header: "X-C", HeaderValue: "v", HeaderPattern: "a.*", Cookie: "c", Weight: 10, WeightTotal: 20,
						},
					},
				},
				{
					Match: Match{
						Path: Path{Regex, "/c/[0-9]+", true}, Method: "GET",
						Headers: []ValueMatch{{"X-A", "1", false}}, Query: []ValueMatch{{"q", "x|y", true}},
					},
					Action: Redirect{301, "https://new.example/", "https", "h", 8443, PathChange{ReplacePrefix, "/new"}, true, true, true},
				},
			}},
			{Name: "", Routes: []Route{{Match: PrefixPath("/"), Action: Deny{503, "a reason"}}}},
		},
		Upstreams: []Upstream{
			{Name: "u2", Protocol: H2C},
			{Name: "u3", Protocol: HTTPS, TLS: &TLS{
				ServerName: "svc", SendServerName: true, Verify: true, VerifyDepth: 1, RootsPEM: []byte("r"),
				MinVersion: 0x303, MaxVersion: 0x304, Ciphers: []uint16{1},
				Certificate: &Certificate{Origin: "ns/client", ChainPEM: []byte("x"), KeyPEM: []byte("secret")},
			}},
			{Name: "u1", Endpoints: []Endpoint{
				{Address: netip.MustParseAddrPort("10.0.0.2:80"), Pod: "pod-2"}, {Address: netip.MustParseAddrPort("10.0.0.1:80")},
			}},
		},
		Certificates:       []Certificate{{Origin: "ns/b", Hosts: []string{"b", "c"}, ChainPEM: []byte("x"), KeyPEM: []byte("secret")}},
		DefaultCertificate: &Certificate{Origin: "ns/d", ChainPEM: []byte("y")},
		Forwarded: Forwarded{
			TrustHeaders: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Header: "X-Client",
			ComputeFull: true, AnyPeer: true,
		},
		Unrouted:             []Policy{note{"three", "3"}},
		HealthPath:           "/health",
		RawPaths:             true,
		ProxyProtocol:        true,
		UnderscoresInHeaders: true,
		RequestHeaders:       HeaderLimits{Bytes: 33792, Line: 8192, Fields: 1024},
		Quirks:               quirk.Accel | quirk.NoAllow,
	}
}

func text(t *testing.T, table *Table) string {
	t.Helper()
	var out strings.Builder
	if err := table.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWriteText(t *testing.T) {
	const want = `host _
  prefix / -> deny 503 "a reason"
host gyull.com
  exact /a -> u1 weight=3, deny 500 "no Service" weight=1
    note "one" "1"
    note "two" "2"
    canary header="X-C" value="v" pattern="a.*" cookie="c" weight=10/20 -> u2 from Ingress ns/canary
  prefix /b -> u2 (ns/svc:8080) from Ingress ns/ing
  regex /c/[0-9]+ ignoring case method="GET" header X-A="1" query q=~"x|y" -> redirect 301 url=https://new.example/ scheme=https host=h port=8443 prefix=/new without query without last slash with port
upstream u1
  10.0.0.2:80 pod-2
  10.0.0.1:80
upstream u2 h2c
upstream u3 https
  tls name="svc" sent verify depth=1 roots=sha256:454349e422f05297 from TLS 1.2 to TLS 1.3 ciphers 0x0001 certificate=ns/client sha256:2d711642b726b044
certificate ns/b sha256:2d711642b726b044 for b c
default certificate ns/d sha256:a1fce4363854ff88 for its own names
forwarded headers header="X-Client" full any-peer from=10.0.0.0/8
health /health
without a route: note "three" "3"
paths as they were sent
proxy protocol
underscores in headers
request headers: at most 33792 bytes, 8192 in a line, 1024 fields
quirks: no-allow, accel
`
	if got := text(t, sample()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// meaningless are the fields that mean nothing where they are, as their documentation says.
//
//nolint:gochecknoglobals // a table that is never changed
var meaningless = []string{
	".Hosts[0].Routes[1].Action.Backends[1].Upstream", // the backend denies
	".Hosts[0].Routes[1].Action.Canary.Backend.Weight",
	".Upstreams[1].TLS.Certificate.Hosts",
}

// TestEveryFieldCounts changes one field of the sample after the other, whatever fields there are: each must make a
// difference to Equal, and to the text but for keys and what means nothing.
func TestEveryFieldCounts(t *testing.T) {
	original := text(t, sample())
	fields := leaves(reflect.ValueOf(sample()).Elem(), "")
	if len(fields) < 60 {
		t.Fatalf("found only the fields %v", fields)
	}
	for _, path := range fields {
		changed := sample()
		change(t, reflect.ValueOf(changed).Elem(), path)
		if changed.Equal(sample()) || sample().Equal(changed) {
			t.Errorf("%s makes no difference to Equal", path)
		}
		hidden := strings.HasSuffix(path, "KeyPEM") || slices.Contains(meaningless, path)
		if same := text(t, changed) == original; same != hidden {
			t.Errorf("%s: the text is the same: %t", path, same)
		}
	}
	if !sample().Equal(sample()) || sample().Equal(nil) || !(*Table)(nil).Equal(nil) {
		t.Error("equal tables differ, or a table equals nothing")
	}
}

// leaves are the paths of all fields below a value that hold no others, and of all pointers and slices.
func leaves(v reflect.Value, at string) []string {
	switch v.Kind() {
	case reflect.Interface:
		return leaves(v.Elem(), at)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return append(leaves(v.Elem(), at), at)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 || v.Len() == 0 {
			return []string{at}
		}
		paths := []string{at}
		for i := range v.Len() {
			paths = append(paths, leaves(v.Index(i), fmt.Sprintf("%s[%d]", at, i))...)
		}
		return paths
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[netip.AddrPort]() || v.Type() == reflect.TypeFor[netip.Prefix]() {
			return []string{at}
		}
		var paths []string
		for i := range v.NumField() {
			paths = append(paths, leaves(v.Field(i), at+"."+v.Type().Field(i).Name)...)
		}
		return paths
	}
	return []string{at}
}

// change changes what is at a path: pointers become nil, slices shorter, values others.
func change(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	if v.Kind() == reflect.Interface { // the value in it can't be changed in place
		copied := reflect.New(v.Elem().Type()).Elem()
		copied.Set(v.Elem())
		change(t, copied, path)
		v.Set(copied)
		return
	}
	if path == "" {
		switch v.Kind() {
		case reflect.Pointer, reflect.Slice:
			if !v.IsZero() {
				v.SetZero()
				return
			}
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			if v.Index(0).Kind() == reflect.Interface {
				v.Index(0).Set(reflect.ValueOf(note{}))
			}
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint8:
			v.SetUint((v.Uint() + 1) % 2)
		case reflect.Uint16:
			v.SetUint(v.Uint() + 1)
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[netip.Prefix]() {
				v.Set(reflect.ValueOf(netip.MustParsePrefix("10.9.0.0/16")))
				return
			}
			v.Set(reflect.ValueOf(netip.MustParseAddrPort("10.9.9.9:9")))
		default:
			t.Fatalf("don't know how to change a %s", v.Kind())
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		change(t, v.Elem(), path)
		return
	}
	end := strings.IndexAny(path[1:], ".[") + 1
	if end == 0 {
		end = len(path)
	}
	if v.Kind() == reflect.Slice {
		var i int
		if _, err := fmt.Sscanf(path, "[%d]", &i); err != nil {
			t.Fatal(err)
		}
		change(t, v.Index(i), path[end:])
		return
	}
	change(t, v.FieldByName(path[1:end]), path[end:])
}

func TestOrderCounts(t *testing.T) {
	for name, swap := range map[string]func(*Table){
		"hosts":     func(t *Table) { h := t.Hosts; h[0], h[1] = h[1], h[0] },
		"routes":    func(t *Table) { r := t.Hosts[0].Routes; r[0], r[1] = r[1], r[0] },
		"policies":  func(t *Table) { p := t.Hosts[0].Routes[1].Policies; p[0], p[1] = p[1], p[0] },
		"endpoints": func(t *Table) { e := t.Upstreams[2].Endpoints; e[0], e[1] = e[1], e[0] },
		"no action": func(t *Table) { t.Hosts[0].Routes[0].Action = nil },
	} {
		changed := sample()
		swap(changed)
		if changed.Equal(sample()) || sample().Equal(changed) {
			t.Errorf("%s in another order make no difference", name)
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

func TestValidateRoute(t *testing.T) {
	for _, action := range []Action{
		nil, Deny{Status: 200}, Deny{Status: 600}, Redirect{}, Redirect{Status: 304, URL: "/"}, Redirect{Status: 301, Scheme: "ftp"},
		Redirect{Status: 301, URL: "/\r\nSet-Cookie: x"}, Redirect{Status: 301, Host: "a b"},
		Redirect{Status: 301, Path: PathChange{ReplacePath, "a"}},
		Forward{Backends: []Backend{{Weight: -1}}}, Forward{Backends: []Backend{{Deny: &Deny{}}}},
		Forward{Canary: &Canary{Weight: -1}}, Forward{Canary: &Canary{WeightTotal: -1}},
		Forward{Canary: &Canary{Backend: Backend{Deny: &Deny{}}}},
	} {
		if err := (Route{Action: action}).Validate(); err == nil {
			t.Errorf("%#v: no error", action)
		}
	}
	for _, host := range sample().Hosts {
		for _, r := range host.Routes {
			if err := r.Validate(); err != nil {
				t.Errorf("%s: %v", r.Match.Text(), err)
			}
		}
	}
}
