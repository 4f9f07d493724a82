package basicauth_test

import (
	"encoding/base64"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/basicauth"
)

func TestParse(t *testing.T) {
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for value, want := range map[string][2]string{
		"Basic " + encode("alice:secret"): {"alice", "secret"}, "bAsIc  " + encode("alice:a:b"): {"alice", "a:b"},
		"Basic " + encode(":"): {"", ""},
	} {
		if user, password, ok := basicauth.Parse([]byte(value)); !ok || user != want[0] || password != want[1] {
			t.Errorf("%q: got %q, %q, %t", value, user, password, ok)
		}
	}
	for _, bad := range []string{"", "Basic", "Basic ", "Basic !", "Bearer " + encode("a:b"), "Basic " + encode("alice"), encode("a:b")} {
		if _, _, ok := basicauth.Parse([]byte(bad)); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Basic YWxpY2U6c2VjcmV0"))
	f.Add([]byte("basic  ="))
	f.Fuzz(func(t *testing.T, value []byte) {
		user, password, ok := basicauth.Parse(value)
		if !ok {
			return
		}
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
		if u, p, ok := basicauth.Parse([]byte(again)); !ok || u != user || p != password {
			t.Errorf("%q gives %q and %q, which are read as %q and %q", value, user, password, u, p)
		}
	})
}
