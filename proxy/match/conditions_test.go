package match

import (
	"errors"
	"testing"

	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func parse(t testing.TB, head string) *message.Request {
	t.Helper()
	r := new(message.Request)
	if err := r.Parse([]byte(head+"\r\nHost: h\r\n\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	return r
}

func header(name, value string) route.ValueMatch {
	return route.ValueMatch{Name: name, Value: value}
}

func with(m route.Match, change func(*route.Match)) route.Match {
	change(&m)
	return m
}

// TestSpecificity has routes of one path, in the order from the least to the most specific.
func TestSpecificity(t *testing.T) {
	root := route.PrefixPath("/a")
	routes := map[string]route.Match{
		"none":           root,
		"query":          with(root, func(m *route.Match) { m.Query = []route.ValueMatch{header("q", "1")} }),
		"header":         with(root, func(m *route.Match) { m.Headers = []route.ValueMatch{header("x-a", "1")} }),
		"another header": with(root, func(m *route.Match) { m.Headers = []route.ValueMatch{header("X-B", "1")} }),
		"two headers": with(root, func(m *route.Match) {
			m.Headers = []route.ValueMatch{header("X-B", "1"), {Name: "X-A", Value: "[0-9]", Regex: true}}
		}),
		"method": with(root, func(m *route.Match) { m.Method = "GET" }),
	}
	var builder Builder[string]
	for _, name := range []string{"none", "query", "header", "another header", "two headers", "method"} {
		if err := builder.Add(routes[name], name); err != nil {
			t.Fatal(err)
		}
	}
	if err := builder.Add(route.PrefixPath("/"), "root"); err != nil {
		t.Fatal(err)
	}
	paths := builder.Build()
	for _, c := range []struct{ head, want string }{
		{"GET /?q=1 HTTP/1.1\r\nX-A: 1\r\nX-B: 1", "method"},
		{"PUT /?q=1 HTTP/1.1\r\nX-A: 1\r\nX-B: 1", "two headers"},
		{"PUT /?q=1 HTTP/1.1\r\nX-A: x\r\nX-A: 1\r\nX-B: 1", "two headers"},
		{"PUT /?q=1 HTTP/1.1\r\nX-A: 11\r\nX-B: 1", "another header"},
		{"PUT /?q=1 HTTP/1.1\r\nX-a: 1", "header"},
		{"PUT /?q=1 HTTP/1.1", "query"},
		{"PUT /?q=2 HTTP/1.1", "none"},
		{"PUT / HTTP/1.1", "none"},
		{"get /?q=2&q=1 HTTP/1.1", "none"},
	} {
		if got, _ := paths.Find("/a/b", parse(t, c.head)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.head, got, c.want)
		}
	}
}

func TestEquallySpecificInTheOrderOfTheTable(t *testing.T) {
	for _, names := range [][2]string{{"X-A", "X-B"}, {"X-B", "X-A"}} {
		var builder Builder[string]
		for _, name := range names {
			m := route.Match{Path: route.Path{Kind: route.Regex, Value: "/"}, Headers: []route.ValueMatch{header(name, "1")}}
			if err := builder.Add(m, name); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := builder.Build().Find("/", parse(t, "GET / HTTP/1.1\r\nX-A: 1\r\nX-B: 1"))
		if got != names[0] {
			t.Errorf("got %q, want the first of %q", got, names)
		}
	}
}

// TestWithoutAMatchTheNextPathIsTried goes down from the exact path to the root.
func TestWithoutAMatchTheNextPathIsTried(t *testing.T) {
	var builder Builder[string]
	for name, path := range map[string]route.Path{
		"exact": {Kind: route.Exact, Value: "/a/b"}, "regex": {Kind: route.Regex, Value: "/a/[b]"},
		"prefix": {Value: "/a"}, "root": {Value: "/"},
	} {
		m := route.Match{Path: path, Method: "GET", Headers: []route.ValueMatch{header("X-"+name, "1")}}
		if err := builder.Add(m, name); err != nil {
			t.Fatal(err)
		}
	}
	paths := builder.Build()
	head := "GET / HTTP/1.1"
	for _, name := range []string{"", "root", "prefix", "regex", "exact"} {
		if name != "" {
			head += "\r\nX-" + name + ": 1"
		}
		if got, found := paths.Find("/a/b", parse(t, head)); got != name || found != (name != "") {
			t.Errorf("%q: got %q, want %q", head, got, name)
		}
	}
}

func TestAddFails(t *testing.T) {
	root := route.PrefixPath("/")
	var builder Builder[int]
	for i, m := range []route.Match{
		{Path: route.Path{Kind: route.Regex, Value: "/("}},
		{Path: route.Path{Kind: route.Regex, Value: "a)(b"}},
		{Path: route.Path{Kind: 9, Value: "/"}},
		with(root, func(m *route.Match) { m.Headers = []route.ValueMatch{{Name: "X", Value: "[", Regex: true}} }),
		with(root, func(m *route.Match) { m.Query = []route.ValueMatch{{Name: "q", Value: ")(", Regex: true}} }),
		with(root, func(m *route.Match) { m.Headers = []route.ValueMatch{{Value: "x"}} }),
	} {
		if err := builder.Add(m, i); err == nil || errors.Is(err, ErrDuplicate) {
			t.Errorf("%s: got %v", m.Text(), err)
		}
	}
	m := with(root, func(m *route.Match) { m.Headers = []route.ValueMatch{header("X-A", "1"), header("X-B", "2")} })
	same := with(root, func(m *route.Match) { m.Headers = []route.ValueMatch{header("x-b", "2"), header("x-a", "1")} })
	if err := builder.Add(m, 1); err != nil {
		t.Error(err)
	}
	if err := builder.Add(same, 2); !errors.Is(err, ErrDuplicate) {
		t.Errorf("the same headers in another order: got %v", err)
	}
	if _, found := builder.Build().Find("/", parse(t, "GET / HTTP/1.1")); found {
		t.Error("a match that could not be added matches")
	}
}

// TestFindAllocatesNothing includes a path that has to be changed to lower case.
func TestFindAllocatesNothing(t *testing.T) {
	if racedetector.On {
		t.Skip("with the race detector, sync.Pool drops some of what package regexp would reuse")
	}
	var builder Builder[int]
	for _, m := range []route.Match{
		{
			Path: route.Path{Kind: route.Regex, Value: "/app/[a-z]+", IgnoreCase: true}, Method: "GET",
			Headers: []route.ValueMatch{header("X-A", "1"), {Name: "X-A", Value: "[0-9]", Regex: true}},
			Query:   []route.ValueMatch{header("a", "c")},
		},
		route.PrefixPath("/app"), route.ExactPath("/x"),
	} {
		if err := builder.Add(m, 1); err != nil {
			t.Fatal(err)
		}
	}
	paths, r := builder.Build(), parse(t, "GET /?b=+&a=c HTTP/1.1\r\nX-A: 1")
	if _, found := paths.Find("/APP/Some/Page", r); !found {
		t.Fatal("not found")
	}
	if allocations := testing.AllocsPerRun(100, func() { paths.Find("/APP/Some/Page", r) }); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}
