package match

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func newTable(t testing.TB, hosts map[string][]string) *Hosts[string] {
	t.Helper()
	h := new(Hosts[string])
	for host, paths := range hosts {
		var p Builder[string]
		for _, path := range paths {
			m := route.PrefixPath(path)
			if exact, isExact := strings.CutPrefix(path, "="); isExact {
				m = route.ExactPath(exact)
			}
			if err := p.Add(m, host+path); err != nil {
				t.Fatalf("%s%s: %v", host, path, err)
			}
		}
		if !h.Add(host, p.Build()) {
			t.Fatalf("%s: it is taken", host)
		}
	}
	return h
}

// TestFind goes through the examples of the Ingress documentation, "Path types" and "Hostname wildcards", and what
// follows from them.
func TestFind(t *testing.T) {
	hosts := newTable(t, map[string][]string{
		"":              {"/", "=/only"},
		"foo.bar.com":   {"=/foo", "/foo", "/aaa/bb", "/aaa/bbb/", "/aaa/bbb/ccc", "=/aaa/bbb/ccc/ddd/"},
		"*.foo.com":     {"/"},
		"x.foo.com":     {"/a"},
		"*.deep.foo.eu": {"/a"},
	})
	for _, c := range []struct{ host, path, want string }{
		{"foo.bar.com", "/foo", "foo.bar.com=/foo"},
		{"foo.bar.com", "/foo/", "foo.bar.com/foo"},
		{"foo.bar.com", "/foo/x", "foo.bar.com/foo"},
		{"foo.bar.com", "/foobar", ""},
		{"foo.bar.com", "/aaa/bb", "foo.bar.com/aaa/bb"},
		{"foo.bar.com", "/aaa/bbb", "foo.bar.com/aaa/bbb/"},
		{"foo.bar.com", "/aaa/bbb/", "foo.bar.com/aaa/bbb/"},
		{"foo.bar.com", "/aaa/bbb/ccc", "foo.bar.com/aaa/bbb/ccc"},
		{"foo.bar.com", "/aaa/bbb/cccc", "foo.bar.com/aaa/bbb/"},
		{"foo.bar.com", "/aaa/bbb/ccc/ddd", "foo.bar.com/aaa/bbb/ccc"},
		{"foo.bar.com", "/aaa/bbb/ccc/ddd/", "foo.bar.com=/aaa/bbb/ccc/ddd/"},
		{"foo.bar.com", "/AAA/bb", ""},
		{"foo.bar.com", "/", ""},
		{"foo.bar.com", "//foo", ""},
		{"bar.foo.com", "/x", "*.foo.com/"},
		{"baz.bar.foo.com", "/x", "/"},
		{"foo.com", "/x", "/"},
		{".foo.com", "/x", "/"},
		{"x.foo.com", "/a", "x.foo.com/a"},
		{"x.foo.com", "/b", ""},
		{"y.deep.foo.eu", "/a/b", "*.deep.foo.eu/a"},
		{"y.deep.foo.eu", "/", ""},
		{"", "/", "/"},
		{"other", "/only", "=/only"},
		{"other", "/only/", "/"},
	} {
		if got, found := hosts.Find(c.host, c.path, new(message.Request)); got != c.want || found != (c.want != "") {
			t.Errorf("%s%s: got %q, %t, want %q", c.host, c.path, got, found, c.want)
		}
	}
}

func TestEmptyAndTaken(t *testing.T) {
	if _, found := new(Hosts[int]).Find("h", "/", nil); found {
		t.Error("an empty table matches")
	}
	if _, found := new(Paths[int]).Find("/", nil); found {
		t.Error("a host without paths matches")
	}
	var builder Builder[int]
	add := func(m route.Match) bool {
		err := builder.Add(m, 1)
		if err != nil && !errors.Is(err, ErrDuplicate) {
			t.Error(err)
		}
		return err == nil
	}
	for _, path := range []string{"/", "/a", "/a/b/"} {
		if !add(route.PrefixPath(path)) || add(route.PrefixPath(path)) || !add(route.ExactPath(path)) || add(route.ExactPath(path)) {
			t.Errorf("%s: it was taken, or taken twice", path)
		}
	}
	if add(route.PrefixPath("/a/")) || add(route.PrefixPath("/a/b")) {
		t.Error("a slash at the end makes another prefix")
	}
	p := builder.Build()
	h := new(Hosts[int])
	for _, host := range []string{"", "a", "*.a"} {
		if !h.Add(host, p) || h.Add(host, p) {
			t.Errorf("%q: it was taken, or taken twice", host)
		}
	}
}

// BenchmarkFind shows that finding does not depend on the number of routes.
func BenchmarkFind(b *testing.B) {
	for _, routes := range []int{10, 1_000, 100_000} {
		hosts := new(Hosts[int])
		for h := range routes / 10 {
			var paths Builder[int]
			for p := range 10 {
				if err := paths.Add(route.PrefixPath(fmt.Sprintf("/app/path%d", p)), p); err != nil {
					b.Fatal(err)
				}
			}
			hosts.Add(fmt.Sprintf("host%d.example.com", h), paths.Build())
		}
		b.Run(fmt.Sprintf("%d routes", routes), func(b *testing.B) {
			host := fmt.Sprintf("host%d.example.com", routes/20)
			b.ReportAllocs()
			for b.Loop() {
				if _, found := hosts.Find(host, "/app/path7/some/page", nil); !found {
					b.Fatal("not found")
				}
			}
		})
	}
}

// BenchmarkRegex has hosts whose routes are regular expressions, as rewrites of ingress-nginx need them.
func BenchmarkRegex(b *testing.B) {
	for _, count := range []int{10, 100, 1000} {
		var builder Builder[int]
		for i := range count {
			m := route.Match{Path: route.Path{Kind: route.Regex, Value: fmt.Sprintf("/app%d(/|$)(.*)", i), IgnoreCase: true}}
			if err := builder.Add(m, i); err != nil {
				b.Fatal(err)
			}
		}
		paths := builder.Build()
		for name, path := range map[string]string{
			"first": "/app0/some/page", "last": fmt.Sprintf("/app%d/some/page", count-1), "none": "/other/page", "upper case": "/App7/some/page",
		} {
			b.Run(fmt.Sprintf("%d patterns/%s", count, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, found := paths.Find(path, nil); found == (name == "none") {
						b.Fatal(path)
					}
				}
			})
		}
	}
}
