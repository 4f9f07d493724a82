package plaintext_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ingress-testbed/testbed/reports/plaintext"
)

func TestClean(t *testing.T) {
	cases := map[string]struct{ given, want string }{
		"plain":             {"line\n\ttab 한국어 🐵", "line\n\ttab 한국어 🐵"},
		"colours":           {"\x1b[31mred\x1b[0m", "red"},
		"window title":      {"a\x1b]0;title\x07b", "ab"},
		"clear screen":      {"\x1b[2J\x1b[Hgone", "gone"},
		"controls":          {"a\x00b\x08c\x7fd\u0085e", "abcde"},
		"carriage returns":  {"one\r\ntwo\rthree", "one\ntwo\nthree"},
		"not UTF-8":         {"a\xffb", "a\uFFFDb"},
		"reversed text":     {"a\u202Eb", "ab"},
		"not for XML":       {"a\uFFFEb", "ab"},
		"lone escape":       {"\x1b(", "("},
		"replacement kept":  {"a\uFFFDb", "a\uFFFDb"},
		"unfinished escape": {"\x1b[31", "[31"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := plaintext.Clean(c.given); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestLine(t *testing.T) {
	if got := plaintext.Line(" one\r\n two\t\x1b[1mthree "); got != "one two three" {
		t.Errorf("%q", got)
	}
}

func TestShorten(t *testing.T) {
	notice := func(n int) string { return fmt.Sprintf("<%d>", n) }
	cases := map[string]struct {
		given string
		limit int
		want  string
	}{
		"short":              {"abc", 3, "abc"},
		"long":               {"abcdefgh", 4, "ab<4>gh"},
		"between characters": {"ééééé", 5, "é<6>é"},
		"nothing":            {"abc", 0, "<3>"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := plaintext.Shorten(c.given, c.limit, notice); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	cases := map[time.Duration]string{
		-time.Second: "", 0: "", time.Microsecond: "<1 ms", 84 * time.Millisecond: "84 ms", 1240 * time.Millisecond: "1.24 s",
		41320 * time.Millisecond: "41.3 s", 125 * time.Second: "2 min 5 s",
	}
	for given, want := range cases {
		if got := plaintext.Duration(given); got != want {
			t.Errorf("%s is %q, want %q", given, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"a", "\x1b[31mred", "\x00\xff\r\n", "\u202e", "\x1b]x\x1b\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cleaned := plaintext.Clean(text)
		if !utf8.ValidString(cleaned) || strings.ContainsAny(cleaned, "\x00\x1b\r\x7f") {
			t.Fatalf("%q is not clean", cleaned)
		}
		var escaped strings.Builder
		if err := xml.EscapeText(&escaped, []byte(cleaned)); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := xml.Unmarshal([]byte("<x>"+escaped.String()+"</x>"), &back); err != nil || back != cleaned {
			t.Fatalf("%q came through XML as %q, error %v", cleaned, back, err)
		}
		if again := plaintext.Clean(cleaned); again != cleaned && !strings.Contains(text, "\x1b") {
			t.Fatalf("cleaning again gives %q instead of %q", again, cleaned)
		}
	})
}
