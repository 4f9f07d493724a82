package access

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// hashes are of the password "secret", made with openssl passwd, openssl dgst and crypt(3).
var hashes = map[string]string{ //nolint:gochecknoglobals // test data
	"apr1":   "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/",
	"md5":    "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
	"sha256": "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
	"sha512": "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
	"sha":    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	"ssha":   "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
	"bcrypt": "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"plain":  "{PLAIN}secret",
}

func basicField(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestBasic(t *testing.T) {
	chain := compile(t, Basic{Realm: `My "realm"`, Users: hashes, Origin: "ns/s"})
	for user := range hashes {
		for password, want := range map[string]int{"secret": 0, "Secret": 401, "secret ": 401, "": 401} {
			for range 2 { // the second time, it may be remembered
				r := newRequest(t, "/", basicField(user, password))
				if got := answer(chain, r); got != want {
					t.Errorf("%s with %q: got %d, want %d", user, password, got, want)
				}
				if _, found := r.Message.Lookup("authorization"); found != (want == 401) {
					t.Errorf("%s with %q: the endpoint gets Authorization: %t", user, password, found)
				}
			}
		}
	}
	for name, field := range map[string]string{
		"nothing": "A: b", "an unknown user": basicField("nobody", "secret"), "another scheme": "Authorization: Bearer secret",
		"no base64": "Authorization: Basic !", "no colon": "Authorization: Basic c2VjcmV0", "no user": basicField("", "secret"),
		"empty": "Authorization: ",
	} {
		r := newRequest(t, "/", field)
		if got := answer(chain, r); got != 401 {
			t.Errorf("%s: got %d", name, got)
		}
		if got, want := string(r.ReplyLines), "WWW-Authenticate: Basic realm=\"My \\\"realm\\\"\"\r\n"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestPasswordsOfOtherUsersAreForgotten changes the users of a route: what was right before is not right any longer.
func TestPasswordsOfOtherUsersAreForgotten(t *testing.T) {
	states := new(policy.States)
	for i, users := range []Users{{"alice": hashes["bcrypt"]}, {"alice": "{PLAIN}new"}} {
		chain, err := policy.Compile([]route.Policy{Basic{Users: users}}, states)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := answer(chain, newRequest(t, "/", basicField("alice", "secret"))), []int{0, 401}[i]; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func TestRememberedPasswordsAreBounded(t *testing.T) {
	c := newCredentials()
	for i := range 2 * mostCredentials {
		c.add([]byte{byte(i), byte(i >> 8)})
	}
	if len(c.right) != mostCredentials {
		t.Errorf("got %d", len(c.right))
	}
	if last := 2*mostCredentials - 1; !c.has([]byte{byte(last), byte(last >> 8)}) {
		t.Error("the last one is forgotten")
	}
}

func TestRememberedPasswordsAllocateNothing(t *testing.T) {
	chain := compile(t, Basic{Users: hashes})
	field := basicField("bcrypt", "secret")
	r := newRequest(t, "/", field)
	if answer(chain, r) != 0 {
		t.Fatal("the password is not right")
	}
	requests := make([]*policy.Request, 0, 102)
	for range cap(requests) {
		requests = append(requests, newRequest(t, "/", field))
	}
	next := 0
	if allocations := testing.AllocsPerRun(100, func() { chain.Request(requests[next]); next++ }); allocations > 0 {
		t.Errorf("%.1f allocations", allocations)
	}
}

func TestParseUsers(t *testing.T) {
	users, err := ParseUsers("# comment\n\nalice:" + hashes["sha"] + ":more\r\n bob:" + hashes["plain"] + "\nalice:{PLAIN}x\n")
	if err != nil || len(users) != 2 || users["alice"] != hashes["sha"] || users["bob"] != hashes["plain"] {
		t.Errorf("got %v, %v", users, err)
	}
	for name, file := range map[string]string{
		"nothing": "", "a comment": "# a", "no colon": "alice", "no user": ":" + hashes["sha"], "no hash": "alice:",
		"a password": "alice:secret", "DES": "alice:abJnggxhB/yWI", "a dollar": "alice:$", "an unknown kind": "alice:$9$a$b",
		"bcrypt without salt": "alice:$2y$10$", "costly bcrypt": "alice:$2b$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
		"costly SHA-crypt": "alice:$6$rounds=999999999$abcdefgh$x", "malformed rounds": "alice:$6$rounds=x$a$b",
		"SHA-crypt without salt": "alice:$6$", "SHA that is no base64": "alice:{SHA}!", "a short SHA": "alice:{SHA}YQ==",
		"a long SHA": "alice:{SHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
	} {
		if users, err := ParseUsers(file); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, %v", name, users, err)
		}
	}
	if _, err := policy.Compile([]route.Policy{Basic{Users: Users{"a": "b"}}}, new(policy.States)); err == nil {
		t.Error("a wrong hash compiles")
	}
	if _, err := policy.Compile([]route.Policy{Basic{}}, new(policy.States)); err == nil {
		t.Error("no user compiles")
	}
}

func FuzzParseUsers(f *testing.F) {
	for name, hash := range hashes {
		f.Add(name + ":" + hash)
	}
	f.Add("a:$6$rounds=1000$$x\nb:$apr1$$")
	f.Fuzz(func(t *testing.T, file string) {
		users, err := ParseUsers(file)
		if err != nil {
			return
		}
		for user, hash := range users {
			if CheckHash(hash) != nil || !IsHash(hash) && len(hash) < 256 {
				t.Errorf("%q has the hash %q", user, hash)
			}
		}
	})
}
