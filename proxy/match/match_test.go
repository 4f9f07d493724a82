package match

import (
	"fmt"
	"strings"
	"testing"
)

func table(t testing.TB, hosts map[string][]string) *Hosts[string] {
	t.Helper()
	h := new(Hosts[string])
	for host, paths := range hosts {
		p := new(Paths[string])
		for _, path := range paths {
			add := p.AddPrefix
			path, isExact := strings.CutPrefix(path, "=")
			value := path
			if isExact {
				add, value = p.AddExact, "="+path
			}
			if !add(path, host+value) {
				t.Fatalf("%s%s: it is taken", host, path)
			}
		}
		if !h.Add(host, p) {
			t.Fatalf("%s: it is taken", host)
		}
	}
	return h
}

// TestFind goes through the examples of the Ingress documentation, "Path types" and "Hostname wildcards", and what
// follows from them.
func TestFind(t *testing.T) {
	hosts := table(t, map[string][]string{
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
		if got, found := hosts.Find(c.host, c.path); got != c.want || found != (c.want != "") {
			t.Errorf("%s%s: got %q, %t, want %q", c.host, c.path, got, found, c.want)
		}
	}
}

func TestEmptyAndTaken(t *testing.T) {
	if _, found := new(Hosts[int]).Find("h", "/"); found {
		t.Error("an empty table matches")
	}
	p := new(Paths[int])
	if _, found := p.Find("/"); found {
		t.Error("a host without paths matches")
	}
	for _, path := range []string{"/", "/a", "/a/b/"} {
		if !p.AddPrefix(path, 1) || p.AddPrefix(path, 2) || !p.AddExact(path, 3) || p.AddExact(path, 4) {
			t.Errorf("%s: it was taken, or taken twice", path)
		}
	}
	if p.AddPrefix("/a/", 5) || p.AddPrefix("/a/b", 5) {
		t.Error("a slash at the end makes another prefix")
	}
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
			paths := new(Paths[int])
			for p := range 10 {
				paths.AddPrefix(fmt.Sprintf("/app/path%d", p), p)
			}
			hosts.Add(fmt.Sprintf("host%d.example.com", h), paths)
		}
		b.Run(fmt.Sprintf("%d routes", routes), func(b *testing.B) {
			host := fmt.Sprintf("host%d.example.com", routes/20)
			b.ReportAllocs()
			for b.Loop() {
				if _, found := hosts.Find(host, "/app/path7/some/page"); !found {
					b.Fatal("not found")
				}
			}
		})
	}
}
