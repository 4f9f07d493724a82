package urlpath

import (
	"errors"
	"strings"
	"testing"
)

func TestAppendDecoded(t *testing.T) {
	for in, want := range map[string]string{
		"/":                            "/",
		"/a/b/":                        "/a/b/",
		"//":                           "/",
		"//a///b//":                    "/a/b/",
		"/a%2Fb%2f":                    "/a/b/",
		"/a/%2F/b":                     "/a/b",
		"/a%20b%3F%25":                 "/a b?%",
		"/%66oo":                       "/foo",
		"/a/../b":                      "/b",
		"/a//../b":                     "/b",
		"/app/..%2Fadmin":              "/admin",
		"/app%2F..%2Fadmin":            "/admin",
		"/app/%2e%2e/admin":            "/admin",
		"/a/.":                         "/a/",
		"/.a/..b/...":                  "/.a/..b/...",
		"/%C3%A4":                      "/\xc3\xa4",
		"/\xc3\xa4":                    "/\xc3\xa4",
		"/a|b":                         "/a|b",
		"/app/..;/admin":               "/app/..;/admin",
		"/%252e%252e/%252Fx":           "/%2e%2e/%2Fx",
		"/a/b/../../c":                 "/c",
		"/" + strings.Repeat("/", 100): "/",
	} {
		got, err := AppendDecoded([]byte("x"), in)
		if err != nil || string(got) != "x"+want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, "x"+want)
		}
	}
	for in, want := range map[string]error{
		"": ErrNotAbsolute, "a": ErrNotAbsolute, "%2Fa": ErrNotAbsolute, "/a b": ErrCharacter, "/\n": ErrCharacter, "/#": ErrCharacter,
		"/%": ErrPercent, "/%z0": ErrPercent, "/%00": ErrPercent, "/..": ErrAboveTheRoot, "/a%2F..%2F..": ErrAboveTheRoot, "//..": ErrAboveTheRoot,
	} {
		if got, err := AppendDecoded([]byte("x"), in); !errors.Is(err, want) || string(got) != "x" {
			t.Errorf("%q: got %q, %v, want %v", in, got, err, want)
		}
	}
}

func TestAppendEncoded(t *testing.T) {
	for in, want := range map[string]string{
		"/a/b": "/a/b", "/a b?%#": "/a%20b%3F%25%23", "/\xc3\xa4\r\n": "/%C3%A4%0D%0A", "/a;b=c,d@e:f": "/a;b=c,d@e:f", "/\"|": "/%22%7C",
	} {
		if got := AppendEncoded([]byte("x"), in); string(got) != "x"+want {
			t.Errorf("%q: got %q, want %q", in, got, "x"+want)
		}
	}
}

// FuzzDecoded: what is encoded again decodes to the same path, and no dot segment is left.
func FuzzDecoded(f *testing.F) {
	for _, seed := range []string{"/", "/a%2F..%2f./b", "//a", "/%2e%2e;", "/.%2F", "/%25"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		decoded, err := AppendDecoded(nil, path)
		if err != nil {
			return
		}
		for _, bad := range []string{"//", "/../", "/./", "\x00"} {
			text := string(decoded) + "/"
			if bad == "//" {
				text = string(decoded) // which may end in one slash
			}
			if strings.Contains(text, bad) {
				t.Fatalf("%q: %q contains %q", path, decoded, bad)
			}
		}
		again, err := AppendDecoded(nil, AppendEncoded(nil, decoded))
		if err != nil || string(again) != string(decoded) {
			t.Fatalf("%q: %q is encoded and decoded to %q, %v", path, decoded, again, err)
		}
		if _, err := AppendNormal(nil, path); err != nil {
			t.Fatalf("%q is refused by AppendNormal alone: %v", path, err)
		}
	})
}

func TestDecodingAllocatesNothing(t *testing.T) {
	buffer := make([]byte, 0, 100)
	if allocations := testing.AllocsPerRun(100, func() {
		var err error
		if buffer, err = AppendDecoded(buffer[:0], "/a%2Fb/../c//d"); err != nil {
			t.Fatal(err)
		}
		buffer = AppendEncoded(buffer[:0], "/a b")
	}); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}
