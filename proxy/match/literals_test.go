package match

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestLeadingLiteral(t *testing.T) {
	for pattern, want := range map[string]string{
		"": "", "/": "/", "/App": "/app", "^/a(/|$)(.*)": "/a", "/a/b?c": "/a/", "/a+b": "/a", "/(abc)d[ef]": "/abcd",
		"/a|/b": "/", "/ab|/ac": "/a", "x|y": "", "(?i)^(?:/AB)": "/ab", "/ä": "/", "/a{2}": "/aa", "(/a)*": "", "(/a)+": "/a",
		`/a\.php$`: "/a.php", "(?i:/K)S": "/ks", ".*": "",
	} {
		if got := leadingLiteral(pattern); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

// TestCandidates shows which patterns are run for a path: only those that begin like it.
func TestCandidates(t *testing.T) {
	var builder Builder[int]
	for _, pattern := range []string{"/a", "/a/b/[0-9]", "/a/b/[0-9][0-9]", "/a/c/[0-9]", "/b[0-9]", "[0-9]", "/a/b/z"} {
		if err := builder.Add(route.Match{Path: route.Path{Kind: route.Regex, Value: pattern}}, 1); err != nil {
			t.Fatal(err)
		}
	}
	paths := builder.Build()
	for path, want := range map[string][]string{
		"/a/b/7": {"/a/b/[0-9][0-9]", "/a/b/[0-9]", "/a", "[0-9]"}, "/a/c/": {"/a/c/[0-9]", "/a", "[0-9]"}, "/c": {"[0-9]"},
		"/az": {"/a", "[0-9]"}, "/a/b": {"/a", "[0-9]"}, "/b": {"/b[0-9]", "[0-9]"}, "!": {"[0-9]"},
	} {
		var got []string
		for node := paths.patterns.index.longest(path); node != nil; node = node.shorter {
			for _, p := range node.patterns {
				got = append(got, p.path.Value)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
