package regex_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/regex"
)

func TestLookaheads(t *testing.T) {
	t.Parallel()
	for expression, texts := range map[string]map[string]string{ // with the groups of the match, or "no match"
		`^/(?!api|admin)(.*)`:         {"/shop/1": "shop/1", "/": "", "/api": "no match", "/apis": "no match", "/ap": "ap"},
		`(?i)^(?:/(?!api/)(.*))`:      {"/API/x": "no match", "/api": "api"},
		`^/((?!static/).*)`:           {"/static/x": "no match", "/x": "x"},
		`^/v[12]/(?=[0-9]+$)(.*)`:     {"/v1/42": "42", "/v2/x": "no match", "/v3/42": "no match"},
		`^/(?!(a|b)c)(.)(.*)`:         {"/ac": "no match", "/ad": ",a,d"},
		`^(?!guest).*$`:               {"guest1": "no match", "user": "user"},
		`^/(?!a)(?!b)[a-z]$`:          {"/a": "no match", "/b": "no match", "/c": "/c"},
		`^/(?:ab|cd)(?!e)`:            {"/abe": "no match", "/cdf": "/cd"},
		`^/\(?!x`:                     {"/(!x": "/(!x", "/!x": "/!x"},
		`^/[(?!]x\Q(?!a)\E(?!b)`:      {"/(x(?!a)": "/(x(?!a)", "/!x(?!a)b": "no match"},
		`^/a{2}(?!b)`:                 {"/aab": "no match", "/aac": "/aa"},
		`^/(?!.*\.(?:php|asp)$)(.+)$`: {"/a/b.php": "no match", "/a/b.html": "a/b.html"},
	} {
		compiled, err := regex.Compile(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		for text, want := range texts {
			if got := groups(text, compiled.FindSubmatchIndex([]byte(text))); got != want {
				t.Errorf("%s: %q matches with %q, want %q", expression, text, got, want)
			}
			if matches := want != "no match"; compiled.MatchString(text) != matches || compiled.Match([]byte(text)) != matches {
				t.Errorf("%s: matching %q is not %t", expression, text, matches)
			}
		}
	}
}

// groups are those of a match, or the match if it has none.
func groups(text string, places []int) string {
	if places == nil {
		return "no match"
	}
	if len(places) == 2 {
		return text[places[0]:places[1]]
	}
	var all []string
	for i := 2; i < len(places); i += 2 {
		group := ""
		if places[i] >= 0 {
			group = text[places[i]:places[i+1]]
		}
		all = append(all, group)
	}
	return strings.Join(all, ",")
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`/(?!a)`:         "at a fixed distance", // may be anywhere in the text
		`^/.*(?!a)`:      "at a fixed distance",
		`^/a?(?!b)`:      "at a fixed distance",
		`^(?:/|/a)(?!b)`: "at a fixed distance",
		`^/a|b(?!c)`:     "in an alternative",
		`^(?:/(?!a)|b)`:  "in an alternative",
		`^/((?!a)b)*`:    "in an alternative or a repetition",
		`^/(?!a)*`:       "must not be repeated",
		`^/(?=(a))`:      "must not have groups",
		`^/(?!(?!a)b)`:   "invalid or unsupported",
		`^/(?<!a)b`:      "invalid named capture",
		`^/(a)\1`:        "invalid escape",
		`^/(?!a`:         "invalid or unsupported",
		`^/(?!a))`:       "",
		`(`:              "missing closing",
	} {
		if _, err := regex.Compile(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", expression, err, want)
		}
	}
}

// What is written around an expression stays around it.
func TestCompileBetween(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{`a)(?:b`, `(?!x)a)(?:b`, `(?!x)[[:]a)(?:b]`} {
		if compiled, err := regex.CompileBetween("^(?:", expression, ")$"); err == nil {
			t.Errorf("%s: got %s", expression, compiled)
		}
	}
	compiled, err := regex.CompileBetween("^(?:", "(?!b)a|b", ")$")
	if err == nil {
		t.Errorf("got %s, though the lookahead is in an alternative", compiled)
	}
	if compiled, err = regex.CompileBetween("^(?:", "(?!b)[ab]", ")$"); err != nil || !compiled.MatchString("a") || compiled.MatchString("b") {
		t.Errorf("got %v, %v", compiled, err)
	}
}

// Expressions match as those of an engine that backtracks do. The seeds of an expression choose its parts.
func FuzzLikeBacktracking(f *testing.F) {
	for _, seed := range []string{"\x01\x02\x0b", "0\x0c1", "\x0a\x0b\x0c\x0d", "a\x0bbb", "\x0e\x05\x0b\x06", "\x0f\x0b\x10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed string) {
		expression := expressionOf(seed)
		ours, err := regex.Compile(expression)
		if err != nil || ours.String() == expression {
			return // there is no lookahead in it
		}
		theirs, err := regexp2.Compile(expression, regexp2.None)
		if err != nil {
			return // such as a repetition of flags, which package regexp ignores
		}
		theirs.MatchTimeout = time.Minute
		for text := range texts("ab/", 5) {
			want, err := theirs.FindStringMatch(text)
			if err != nil {
				t.Fatal(err)
			}
			wanted := []string(nil)
			if want != nil {
				for _, group := range want.Groups() {
					wanted = append(wanted, group.String())
				}
			}
			var got []string
			if places := ours.FindSubmatchIndex([]byte(text)); places != nil {
				for i := 0; i < len(places); i += 2 {
					got = append(got, text[max(places[i], 0):max(places[i+1], 0)])
				}
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Fatalf("%s with %q (-want +got):\n%s", expression, text, diff)
			}
		}
	})
}

// expressionOf puts an expression together: each byte is a part.
func expressionOf(seed string) string {
	parts := []string{
		"a", "b", "/", ".", "[ab]", "a*", "b+", "(", "(?:", ")", "|", "(?!a)", "(?!b|/a)", "(?=a)", "(?!(a)b)", "(?!.*b$)", "(?=[^/]*$)", "a{2}", "$",
		`\/`, "(?i)", "A", "?",
	}
	text, open := "^", 0
	for _, c := range []byte(seed[:min(len(seed), 12)]) {
		part := parts[int(c)%len(parts)]
		switch {
		case part == ")" && open == 0:
			continue
		case part == ")":
			open--
		case part == "(" || part == "(?:":
			open++
		}
		text += part
	}
	return text + strings.Repeat(")", open)
}

// texts are all texts of some characters up to a length.
func texts(characters string, longest int) func(func(string) bool) {
	return func(yield func(string) bool) {
		all := []string{""}
		for range longest {
			var longer []string
			for _, text := range all {
				if !yield(text) {
					return
				}
				for _, c := range characters {
					longer = append(longer, text+string(c))
				}
			}
			all = longer
		}
	}
}

// FuzzCompile compiles anything, and what compiles without lookaheads as package regexp does.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{`^/(?!a)b`, `(?!`, `[`, `[[:alpha:]`, `\Q(?!`, `^(?=a)(?!(b))c`, `\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compiled, err := regex.Compile(text)
		if _, plain := regexp.Compile(text); plain == nil && (err != nil || compiled.String() != text) {
			t.Fatalf("%q: %v, %v", text, compiled, err)
		}
		if err == nil {
			compiled.MatchString(text)
			compiled.FindSubmatchIndex([]byte(text))
			compiled.Excluded()
		}
		if between, err := regex.CompileBetween("^x(?:", text, ")$"); err == nil && between.MatchString("z") {
			t.Fatalf("%q is not kept between what is around it: %s", text, between)
		}
	})
}
