package variable_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

func TestAppend(t *testing.T) {
	r := policytest.Request(t, "POST /a%2Fb?q=1&r=%20&q=2 HTTP/1.1\r\nHost: h:81\r\nX-User: alice\r\nCookie: c=d; e=f\r\nAuthorization: Basic YWxpY2U6c2VjcmV0")
	for text, want := range map[string]string{
		"": "", "plain": "plain", "$request_uri|$uri": "/a%2Fb?q=1&r=%20&q=2|/a/b", "${args}$is_args": "q=1&r=%20&q=2?",
		"$scheme://$http_host/": "http://h:81/", "$host": "h", "$http_x_user-$http_missing": "alice-", "$cookie_e": "f",
		"$arg_q$arg_r$arg_none": "1%20", "$remote_addr": "192.0.2.1", "$request_method": "POST", "$escaped_request_uri": "%2Fa%252Fb%3Fq%3D1%26r%3D%2520%26q%3D2",
		"$best_http_host": "h:81", "$the_real_ip$binary_remote_addr": "192.0.2.1192.0.2.1", "$remote_user": "alice",
		"$scheme://$pass_access_scheme": "http://http", "$cookie_missing-$document_uri": "-/a/b",
	} {
		template, err := variable.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(template.Append(nil, r)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for _, bad := range []string{"$", "a$", "$$", "a$ b", "$unknown", "${", "${}", "${host", "$http_", "$proxy_host"} {
		if err := variable.Check(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// TestURL fails if a variable can end a request line or change where the query begins.
func TestURL(t *testing.T) {
	user := base64.StdEncoding.EncodeToString([]byte("al ice\r\nX\x7f:secret"))
	r := policytest.Request(t, "GET /a%20b%3Fc%0D%0Ad?x=1 HTTP/1.1\r\nHost: h\r\nX-Agent: a b\r\nAuthorization: Basic "+user)
	r.ID = []byte("id")
	for text, want := range map[string]string{
		"/v$uri$is_args$args": "/v/a%20b%3Fc%0D%0Ad?x=1", "$document_uri": "/a%20b%3Fc%0D%0Ad", "$http_x_agent": "a%20b",
		"/$remote_user/$request_id$req_id": "/al%20ice%0D%0AX%7F/idid",
	} {
		template, err := variable.ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(template.AppendURL([]byte("! "), r)); got != "! "+want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if _, err := variable.ParseURL("$unknown"); err == nil {
		t.Error("an unknown variable is accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$request_uri${x}$http_a")
	f.Fuzz(func(t *testing.T, text string) {
		template, err := variable.Parse(text)
		if err != nil {
			return
		}
		r := policytest.Request(t, "GET / HTTP/1.1\r\nHost: h")
		got := string(template.Append(nil, r))
		if !strings.Contains(text, "$") && got != text {
			t.Errorf("%q becomes %q", text, got)
		}
		if url := template.AppendURL(nil, r); bytes.ContainsAny(url, " \r\n\x00\x7f") {
			t.Errorf("%q becomes %q in a URL", text, url)
		}
	})
}
