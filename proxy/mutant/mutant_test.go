package mutant_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/netip"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/mutant"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// policyTypes are the exported types of the policy packages that have a stage, as "package.Type".
func policyTypes(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir("../policy", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			method, ok := declared.(*ast.FuncDecl)
			if !ok || method.Name.Name != "Stage" || method.Recv == nil {
				continue
			}
			if receiver, ok := method.Recv.List[0].Type.(*ast.Ident); ok && receiver.IsExported() {
				names = append(names, path.Base(file.Name.Name)+"."+receiver.Name)
			}
		}
		return nil
	})
	if err != nil || len(names) < 30 {
		t.Fatalf("found only %d policies: %v", len(names), err)
	}
	return names
}

func faults() map[string][]mutant.Fault {
	all := map[string][]mutant.Fault{}
	for _, m := range slices.Concat(mutant.All(), mutant.Same()) {
		all[m.Subject] = append(all[m.Subject], m.Fault)
	}
	return all
}

// A new policy without mutants fails this test.
func TestEveryPolicyHasMutants(t *testing.T) {
	t.Parallel()
	known := faults()
	for _, name := range policyTypes(t) {
		if !slices.Contains(known[name], mutant.Ignored) || !slices.Contains(known[name], mutant.Neighbour) {
			t.Errorf("%s has the mutants %q: add it to policies()", name, known[name])
		}
	}
	for name := range known {
		if kind, _, _ := strings.Cut(name, "."); strings.Contains("access limits mirroring policy redirecting replying rewriting selecting", kind) &&
			!slices.Contains(policyTypes(t), name) {
			t.Errorf("%s is no policy", name)
		}
	}
}

// A new part of the model without a mutant fails this test.
func TestEveryPartOfATableHasMutants(t *testing.T) {
	t.Parallel()
	known := faults()
	for prefix, c := range map[string]struct {
		of      reflect.Type
		without []string // the parts that have mutants of their own, or decide nothing
	}{
		"table.":        {reflect.TypeFor[route.Table](), []string{"Hosts", "Upstreams"}},
		"canary.":       {reflect.TypeFor[route.Canary](), []string{"Backend", "Source"}},
		"upstream.TLS.": {reflect.TypeFor[route.TLS](), []string{"RootsPEM"}}, // which Verify is about
		"upstream.":     {reflect.TypeFor[route.Upstream](), []string{"Name", "TLS", "Endpoints"}},
		"backend.":      {reflect.TypeFor[route.Backend](), []string{"Upstream", "Weight", "Service", "Deny"}},
		"path.":         {reflect.TypeFor[route.Path](), []string{"Kind", "Value"}},
	} {
		for field := range c.of.Fields() {
			if name := prefix + field.Name; !slices.Contains(c.without, field.Name) && known[name] == nil {
				t.Errorf("%s has no mutant", name)
			}
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range mutant.All() {
		if seen[m.Name()] {
			t.Errorf("%s is there twice", m.Name())
		}
		seen[m.Name()] = true
	}
}

func example() *route.Table {
	password := access.Basic{Realm: "shop"}
	local := access.Addresses{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	return &route.Table{
		Hosts: []route.Host{
			{Name: "a.example.com", Routes: []route.Route{
				{Match: route.PrefixPath("/"), Policies: []route.Policy{password, rewriting.Path{Target: "/x"}}, Action: route.To("one")},
				{Match: route.ExactPath("/b"), Action: route.Forward{
					Backends: []route.Backend{{Upstream: "one", Weight: 1}}, Canary: &route.Canary{Backend: route.Backend{Upstream: "two"}, Weight: 5},
				}},
			}},
			{Name: "*.example.com", Routes: []route.Route{
				{Match: route.PrefixPath("/c"), Policies: []route.Policy{access.Any{Of: []policy.Policy{password, local}}}, Action: route.To("two")},
			}},
		},
		Unrouted:  []route.Policy{policy.HSTS{Value: "max-age=1"}},
		Upstreams: []route.Upstream{{Name: "one"}, {Name: "two", Protocol: route.H2, TLS: &route.TLS{Verify: true}}},
		Certificates: []route.Certificate{
			{Origin: "a", Hosts: []string{"a.example.com"}, KeyPEM: []byte("a")}, {Origin: "b", Hosts: []string{"*.example.com"}, KeyPEM: []byte("b")},
		},
		ClientTLS: []route.HostTLS{{Host: "a.example.com"}}, Passthroughs: []route.Passthrough{{Host: "a.example.com"}},
		Forwarded: route.Forwarded{RealIP: true}, RawPaths: true,
	}
}

func text(t *testing.T, table *route.Table) string {
	t.Helper()
	var text strings.Builder
	if err := table.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// What is given stays as it is: mutants are made of a table that is served.
func TestTheTableIsNotChanged(t *testing.T) {
	t.Parallel()
	table, changed := example(), 0
	for _, m := range mutant.All() {
		if m.Changes(table) {
			changed++
		}
		if !table.Equal(example()) {
			t.Fatalf("%s changed the table:\n%s", m.Name(), text(t, table))
		}
		if m.Changes(&route.Table{}) {
			t.Errorf("%s changes an empty table", m.Name())
		}
	}
	if changed < 20 {
		t.Errorf("only %d mutants differ from the example", changed)
	}
}

// applied returns the text of the example with a fault.
func applied(t *testing.T, name string) string {
	t.Helper()
	all := mutant.All()
	at := slices.IndexFunc(all, func(m mutant.Mutant) bool { return m.Name() == name })
	if at < 0 {
		t.Fatalf("there is no mutant %q", name)
	}
	return text(t, all[at].Apply(example()))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	whole := text(t, example())
	for _, c := range []struct {
		name, text string
		// before and after count the text in the table.
		before, after int
	}{
		{"access.Basic ignored", "basic authentication", 2, 0},
		{"access.Basic inverted", "not (basic authentication", 0, 2},
		{"access.Basic neighbour", "basic authentication", 2, 3},
		{"access.Any ignored", "any of", 1, 0},
		{"access.Any inverted", "not (any of", 0, 1},
		{"access.Any neighbour", "any of", 1, 2}, // of the next host: its own has no other route
		{"access.Addresses ignored", "10.0.0.0/8", 1, 0},
		{"rewriting.Path neighbour", "rewrite to", 1, 2},
		{"policy.HSTS ignored", "max-age", 1, 0},
		{"canary neighbour", "canary", 1, 2},
		{"host.Wildcard ignored", "*.example.com", 2, 1}, // the certificate stays
		{"table.Passthroughs neighbour", "pass on tls", 1, 2},
	} {
		if before := strings.Count(whole, c.text); before != c.before {
			t.Errorf("%s: the example has %q %d times, not %d:\n%s", c.name, c.text, before, c.before, whole)
		}
		if mutated := applied(t, c.name); strings.Count(mutated, c.text) != c.after {
			t.Errorf("%s has %q %d times, not %d:\n%s", c.name, c.text, strings.Count(mutated, c.text), c.after, mutated)
		}
	}
}
