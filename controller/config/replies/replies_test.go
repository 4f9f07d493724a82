package replies_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/replies"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
)

func TestRead(t *testing.T) {
	defaults := replies.Global{Defaults: replies.Settings{
		Cookies: replying.Cookies{PathFrom: "/d", PathTo: "/"}, Location: replying.Location{From: "http://d", To: "https://d"},
	}}
	for name, c := range map[string]struct {
		annotations map[string]string
		want        func(*replies.Settings)
		faults      int
	}{
		"nothing":        {nil, func(*replies.Settings) {}, 0},
		"defaults off":   {map[string]string{"proxy-cookie-path": "off", "proxy-redirect-from": "off"}, func(s *replies.Settings) { *s = replies.Settings{} }, 0},
		"nginx's own":    {map[string]string{"proxy-redirect-from": "default"}, func(s *replies.Settings) { s.Location = replying.Location{} }, 0},
		"one of two":     {map[string]string{"proxy-redirect-to": "https://x"}, func(*replies.Settings) {}, 0},
		"cookies":        {map[string]string{"proxy-cookie-domain": ".a.test b.test"}, func(s *replies.Settings) { s.Cookies.DomainFrom, s.Cookies.DomainTo = "a.test", "b.test" }, 0},
		"one word":       {map[string]string{"proxy-cookie-domain": "a.test"}, func(*replies.Settings) {}, 1},
		"an expression":  {map[string]string{"proxy-cookie-path": "~^/a /"}, func(*replies.Settings) {}, 1},
		"a second field": {map[string]string{"proxy-cookie-path": "/a /;Secure"}, func(*replies.Settings) {}, 1},
		"fields":         {map[string]string{"custom-headers": "ns/name"}, func(s *replies.Settings) { s.Fields = types.NamespacedName{Namespace: "ns", Name: "name"} }, 0},
		"no name":        {map[string]string{"custom-headers": "name"}, func(*replies.Settings) {}, 1},
		"connection":     {map[string]string{"connection-proxy-header": "close"}, func(s *replies.Settings) { s.Connection = "close" }, 0},
	} {
		r := setting.NewReader(setting.Annotations(), "", c.annotations)
		want := defaults.Defaults
		c.want(&want)
		if got := replies.Read(r, defaults); !cmp.Equal(got, want) || len(r.Faults()) != c.faults {
			t.Errorf("%s: got %+v, want %+v; %v", name, got, want, r.Faults())
		}
	}
}

// TestOrigins: a wrong origin must not allow all of them, as the default does.
func TestOrigins(t *testing.T) {
	for value, want := range map[string]string{
		"": "*", "*": "*", "https://a.test, *": "*", "https://a.test,https://*.b.test:8443": "https://a.test,https://*.b.test:8443",
		"everything": "", "https://a.test, b.test": "https://a.test", "https://*": "", "https://a.test/path": "", "https://a*.test": "",
	} {
		r := setting.NewReader(setting.Annotations(), "", map[string]string{"enable-cors": "true", "cors-allow-origin": value})
		if got := replies.Read(r, replies.Global{}).CORS.Origins; got != want {
			t.Errorf("%q allows %q, want %q", value, got, want)
		}
	}
}
