package match

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// reference finds the first of the routes, most specific first, that matches: as it is written in package route, and as
// slow as that is.
type reference []route.Match

func newReference(matches []route.Match) reference {
	sorted := slices.Clone(matches)
	slices.SortStableFunc(sorted, func(a, b route.Match) int {
		// Exact paths come first, and regular expressions before prefixes of the same length.
		exact := map[route.PathKind]int{route.Exact: 0, route.Regex: 1, route.Prefix: 1}
		rank := map[route.PathKind]int{route.Exact: 0, route.Regex: 1, route.Prefix: 2}
		path := func(m route.Match) string { // "/a/" and "/a" are the same prefix
			if m.Path.Kind == route.Prefix {
				return strings.TrimSuffix(m.Path.Value, "/")
			}
			return m.Path.Value
		}
		length := func(m route.Match) int {
			if m.Path.Kind == route.Prefix {
				return max(len(path(m)), 1)
			}
			return len(m.Path.Value)
		}
		method := func(m route.Match) int { return min(len(m.Method), 1) }
		ignoreCase := func(m route.Match) int {
			if m.Path.IgnoreCase {
				return 1
			}
			return 0
		}
		return cmp.Or(
			cmp.Compare(exact[a.Path.Kind], exact[b.Path.Kind]), cmp.Compare(length(b), length(a)),
			cmp.Compare(rank[a.Path.Kind], rank[b.Path.Kind]), cmp.Compare(path(b), path(a)),
			cmp.Compare(ignoreCase(a), ignoreCase(b)),
			cmp.Compare(method(b), method(a)),
			cmp.Compare(len(b.Headers), len(a.Headers)), cmp.Compare(len(b.Query), len(a.Query)))
	})
	return sorted
}

func (r reference) find(path string, request *message.Request) (route.Match, bool) {
	for _, m := range r {
		if matchesPath(m.Path, path) && matchesRest(m, request) {
			return m, true
		}
	}
	return route.Match{}, false
}

func matchesPath(m route.Path, path string) bool {
	switch m.Kind {
	case route.Exact:
		return path == m.Value
	case route.Prefix:
		prefix := strings.TrimSuffix(m.Value, "/")
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	flags := ""
	if m.IgnoreCase {
		flags = "(?i)"
	}
	return regexp.MustCompile(flags + `\A(?:` + m.Value + `)`).MatchString(path)
}

func matchesRest(m route.Match, r *message.Request) bool {
	matches := func(v route.ValueMatch, value string) bool {
		if v.Regex {
			return regexp.MustCompile(`\A(?:` + v.Value + `)\z`).MatchString(value)
		}
		return v.Value == value
	}
	if m.Method != "" && m.Method != string(r.Method) {
		return false
	}
	for _, v := range m.Headers {
		if !slices.ContainsFunc(r.Fields, func(f message.Field) bool {
			return strings.EqualFold(string(f.Name), v.Name) && matches(v, string(f.Value))
		}) {
			return false
		}
	}
	query, err := url.ParseQuery(string(r.Query))
	for _, v := range m.Query {
		if err != nil || !query.Has(v.Name) || !matches(v, query.Get(v.Name)) {
			return false
		}
	}
	return true
}

// source draws from few values, so that routes and requests often meet.
type source struct{ *rand.Rand }

func pick[T any](s source, from ...T) T { return from[s.IntN(len(from))] }

func (s source) path() string {
	path := ""
	for range s.IntN(4) {
		path += "/" + pick(s, "a", "b", "A", "ab", "", "a.b")
	}
	return path + "/" + pick(s, "", "", "a", "bc", "B")
}

func (s source) pattern() string {
	var pattern strings.Builder
	pattern.WriteString(pick(s, "/", "/", "/", "^/", "", "(?:/|x)"))
	for range s.IntN(4) {
		pattern.WriteString(pick(s, "a", "b", "A", "/", "/a/", "(/|$)", "(.*)", "[ab]", "a+", "(?i:aB)", "b*", "|/b", "(ab)", `\.`, "k", "(?i)s", "a{2}"))
	}
	return pattern.String()
}

func (s source) match() route.Match {
	m := route.Match{Path: route.Path{Kind: route.PathKind(s.IntN(3))}}
	if m.Path.Kind == route.Regex {
		m.Path.Value, m.Path.IgnoreCase = s.pattern(), s.IntN(2) == 0
	} else {
		m.Path.Value = s.path()
	}
	if s.IntN(2) == 0 {
		return m
	}
	m.Method = pick(s, "", "GET", "POST")
	for _, name := range []string{"X-A", "x-b"} {
		if s.IntN(3) == 0 {
			m.Headers = append(m.Headers, route.ValueMatch{Name: name, Value: pick(s, "1", "2", "[12]"), Regex: s.IntN(2) == 0})
		}
	}
	for _, name := range []string{"q", "r s"} {
		if s.IntN(3) == 0 {
			m.Query = append(m.Query, route.ValueMatch{Name: name, Value: pick(s, "1", "2", "1|2"), Regex: s.IntN(2) == 0})
		}
	}
	return m
}

func (s source) request(t *testing.T) *message.Request {
	t.Helper()
	var head strings.Builder
	fmt.Fprintf(&head, "%s /?%s HTTP/1.1\r\nHost: h\r\n", pick(s, "GET", "POST", "PUT"),
		pick(s, "", "q=1", "q=2&r+s=1", "r%20s=2&q=1&q=2", "&q=%31&", "q", "x=y&q=2", "Q=1"))
	for range s.IntN(4) {
		fmt.Fprintf(&head, "%s: %s\r\n", pick(s, "X-A", "x-a", "X-B", "x-c"), pick(s, "1", "2", "3"))
	}
	r := new(message.Request)
	if err := r.Parse([]byte(head.String()+"\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzFind compares Find with the reference, for routes in the order that they were drawn in and in another one where
// the order makes no difference.
func FuzzFind(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, seed uint64, count int) {
		s := source{rand.New(rand.NewPCG(seed, 1))}
		var matches []route.Match
		var builder, shuffled Builder[route.Match]
		for range min(max(count, 0), 60) {
			m := s.match()
			if err := builder.Add(m, m); err == nil {
				matches = append(matches, m)
			}
		}
		paths, expected := builder.Build(), newReference(matches)
		for _, i := range s.Perm(len(matches)) {
			if err := shuffled.Add(matches[i], matches[i]); err != nil {
				t.Fatal(err)
			}
		}
		other := shuffled.Build()
		for range 30 {
			path, r := s.path(), s.request(t)
			want, wantFound := expected.find(path, r)
			got, found := paths.Find(path, r)
			if found != wantFound || !got.Equal(want) {
				t.Fatalf("%s?%s with %q: got %q, %t, want %q, %t", path, r.Query, r.Fields, got.Text(), found, want.Text(), wantFound)
			}
			checkExplained(t, paths.explain(path, r), path, r, len(matches), got, found)
			if got, found := other.Find(path, r); found != wantFound || got.Path != want.Path {
				t.Fatalf("%s, routes in another order: got %q, want %q", path, got.Text(), want.Text())
			}
		}
	})
}

// checkExplained fails unless an explanation has all routes with right verdicts, and the first that matches is the one that
// was found.
func checkExplained(t *testing.T, all []Considered[route.Match], path string, r *message.Request, count int, got route.Match, found bool) {
	t.Helper()
	if len(all) != count {
		t.Fatalf("%d routes are explained, of %d", len(all), count)
	}
	for _, one := range all {
		if one.MatchesPath != matchesPath(one.Value.Path, path) || one.MeetsConditions != matchesRest(one.Value, r) {
			t.Fatalf("%s: %q is explained as %t, %t", path, one.Value.Text(), one.MatchesPath, one.MeetsConditions)
		}
	}
	first := slices.IndexFunc(all, func(one Considered[route.Match]) bool { return one.MatchesPath && one.MeetsConditions })
	if first >= 0 != found || found && !all[first].Value.Equal(got) {
		t.Fatalf("%s: %q was found, and number %d explains it", path, got.Text(), first)
	}
}
