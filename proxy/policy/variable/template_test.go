package variable_test

import (
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/policy/policytest"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

func TestAppend(t *testing.T) {
	r := policytest.Request(t, "POST /a%2Fb?q=1&r=%20&q=2 HTTP/1.1\r\nHost: h:81\r\nX-User: alice\r\nCookie: c=d; e=f")
	for text, want := range map[string]string{
		"": "", "plain": "plain", "$request_uri|$uri": "/a%2Fb?q=1&r=%20&q=2|/a/b", "${args}$is_args": "q=1&r=%20&q=2?",
		"$scheme://$http_host/": "http://h:81/", "$host": "h", "$http_x_user-$http_missing": "alice-", "$cookie_e": "f",
		"$arg_q$arg_r$arg_none": "1%20", "$remote_addr": "192.0.2.1", "$request_method": "POST", "$escaped_request_uri": "%2Fa%252Fb%3Fq%3D1%26r%3D%2520%26q%3D2",
		"$best_http_host": "h:81",
	} {
		template, err := variable.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(template.Append(nil, r)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for _, bad := range []string{"$", "a$ b", "$unknown", "${", "${}", "$http_"} {
		if err := variable.Check(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$request_uri${x}$http_a")
	f.Fuzz(func(t *testing.T, text string) {
		template, err := variable.Parse(text)
		if err != nil {
			return
		}
		got := string(template.Append(nil, policytest.Request(t, "GET / HTTP/1.1\r\nHost: h")))
		if !strings.Contains(text, "$") && got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
