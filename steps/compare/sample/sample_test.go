package sample_test

import (
	"regexp"
	"testing"

	"github.com/ingress-testbed/testbed/steps/compare/sample"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`/api(/|$)(.*)`: "/api/a", `/v[0-9]+/items/(\d{3})`: "/v1/items/111", `/(?i)shop/?`: "/SHOP/",
		`CN=client-[^,]+`: "CN=client-a", `^yes$`: "yes", `(a|b)c*`: "ac", `/x\.(php|asp)`: "/x.php", `[\x00-\x1f]?z`: "\x00z",
	} {
		got, ok := sample.Match(expression)
		if !ok || got != want {
			t.Errorf("%s: %q, %v, want %q", expression, got, ok, want)
		}
	}
	for _, expression := range []string{`(`, `[^\x00-\x{10FFFF}]`, `a{250}b{250}`} {
		if got, ok := sample.Match(expression); ok {
			t.Errorf("%s: %q", expression, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{`/a(b|c)+`, `^/x/[a-z]{2,4}$`, `(?i)/Shop`, `\bfoo\B`, `[[:alpha:]]*\z`, `a||b`, `(a{1000}){1000}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		text, ok := sample.Match(expression)
		if !ok {
			return
		}
		if compiled, err := regexp.Compile(expression); err != nil || !compiled.MatchString(text) || len(text) > 256 {
			t.Fatalf("%q doesn't match %q: %v", expression, text, err)
		}
	})
}
