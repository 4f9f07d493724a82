package urlpath

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestAppendNormal(t *testing.T) {
	for in, want := range map[string]string{
		"/":                   "/",
		"/a/b":                "/a/b",
		"/a/b/":               "/a/b/",
		"/a//b":               "/a//b",
		"//":                  "//",
		"/a/.":                "/a/",
		"/a/./b":              "/a/b",
		"/a/../b":             "/b",
		"/a/..":               "/",
		"/a/b/../..":          "/",
		"/a/b/../../c":        "/c",
		"/a//../b":            "/a/b",
		"/...":                "/...",
		"/.a/..b":             "/.a/..b",
		"/%61":                "/a",
		"/%7E%7e~":            "/~~~",
		"/%2f%2F":             "/%2F%2F",
		"/a/%2e%2E/b":         "/b",
		"/a/.%2e":             "/",
		"/a%2f..%2fb":         "/a%2F..%2Fb",
		"/%25%32%65":          "/%252e",
		"/é":                  "/%C3%A9",
		"/a{b}|\\\"<>^`[]":    "/a%7Bb%7D%7C%5C%22%3C%3E%5E%60%5B%5D",
		"/a;b=1,2'(3)*!$&+:@": "/a;b=1,2'(3)*!$&+:@",
	} {
		got, err := AppendNormal([]byte("x"), in)
		if err != nil || string(got) != "x"+want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, "x"+want)
		}
	}
}

// TestParametersAreOpaque has what some endpoints take for dot segments, and what must not be taken for them here: what
// is routed on is what is forwarded.
func TestParametersAreOpaque(t *testing.T) {
	for in, want := range map[string]string{
		"/app/..;/admin":       "/app/..;/admin",
		"/app/..;x=y/admin":    "/app/..;x=y/admin",
		"/app/.;/admin":        "/app/.;/admin",
		"/app/%2e%2e;/admin":   "/app/..;/admin",
		"/app/..%3b/admin":     "/app/..%3B/admin",
		"/app/%2f..%2fadmin":   "/app/%2F..%2Fadmin",
		"/app/..%2fadmin":      "/app/..%2Fadmin",
		"/app/..%5cadmin":      "/app/..%5Cadmin",
		"/app/..\\admin":       "/app/..%5Cadmin",
		"/app;a=b/../admin":    "/admin",
		"/app/..;/../admin":    "/app/admin",
		"/app/%252e%252e/x":    "/app/%252e%252e/x",
		"/;/..":                "/",
		"/app/..;":             "/app/..;",
		"/..;/admin":           "/..;/admin",
		"/app;jsessionid=1;/x": "/app;jsessionid=1;/x",
	} {
		if got, err := AppendNormal(nil, in); err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestAppendNormalRefuses(t *testing.T) {
	for in, want := range map[string]error{
		"": ErrNotAbsolute, "a": ErrNotAbsolute, "*": ErrNotAbsolute, "/ ": ErrCharacter, "/\t": ErrCharacter, "/\x00": ErrCharacter,
		"/\x7f": ErrCharacter, "/#": ErrCharacter, "/?": ErrCharacter, "/%": ErrPercent, "/%1": ErrPercent, "/%zz": ErrPercent,
		"/%00": ErrPercent, "/..": ErrAboveTheRoot, "/../a": ErrAboveTheRoot, "/a/../..": ErrAboveTheRoot,
		"/%2e%2e/": ErrAboveTheRoot, "/./..": ErrAboveTheRoot,
	} {
		if got, err := AppendNormal([]byte("x"), in); !errors.Is(err, want) || string(got) != "x" {
			t.Errorf("%q: got %q, %v, want %v", in, got, err, want)
		}
	}
}

// FuzzAppendNormal checks what the rest of the proxy relies on: the result is stable, holds no dot segment and no
// character that means something else to the next reader, and decodes to what the standard library makes of it.
func FuzzAppendNormal(f *testing.F) {
	for _, seed := range []string{"/a/./b/../c", "/%2e%2e/%2F", "/a//..//b", "/é\\", "/a/b/..", "/.%2e/", "/a/..;/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := AppendNormal(nil, in)
		if err != nil {
			return
		}
		again, err := AppendNormal(nil, got)
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q becomes %q, and that %q, %v", in, got, again, err)
		}
		if len(got) > 3*len(in) {
			t.Errorf("%q grew to %q", in, got)
		}
		for _, segment := range strings.Split(string(got), "/") {
			if segment == "." || segment == ".." {
				t.Errorf("%q keeps a dot segment: %q", in, got)
			}
		}
		for _, c := range got {
			if c <= ' ' || c >= 0x7f || c == '#' || c == '?' || c == '\\' {
				t.Errorf("%q keeps the character %q: %q", in, c, got)
			}
		}
		if parsed, err := url.ParseRequestURI(string(got)); err != nil || parsed.EscapedPath() != string(got) && !strings.HasPrefix(string(got), "//") {
			t.Errorf("%q: the standard library reads %q, %v", got, parsed, err)
		}
	})
}

func BenchmarkAppendNormal(b *testing.B) {
	path, buffer := []byte("/some/longer/path/to/a/page.html"), make([]byte, 0, 100)
	b.ReportAllocs()
	for b.Loop() {
		buffer, _ = AppendNormal(buffer[:0], path)
	}
}
