package compare_test

import (
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

func TestCurl(t *testing.T) {
	t.Parallel()
	for want, request := range map[string]record.Request{
		"curl -si --path-as-is --connect-to a.test:80:ADDRESS: http://a.test/x":                                 {Host: "a.test", Target: "/x"},
		"curl -si --path-as-is -k --connect-to a.test:443:ADDRESS: 'https://a.test/x?a=1'":                      {Host: "a.test", Target: "/x?a=1", HTTPS: true},
		"curl -si --path-as-is --connect-to a.test:8443:ADDRESS: http://a.test:8443/":                           {Host: "a.test:8443", Target: "/"},
		"curl -si --path-as-is --connect-to a.test:80:ADDRESS: -H 'Host: a.test:http' http://a.test/":           {Host: "a.test:http", Target: "/"},
		"curl -si --path-as-is --connect-to b.test:80:ADDRESS: --request-target http://a.test/x http://b.test/": {Host: "b.test", Target: "http://a.test/x"},
		"curl -si --path-as-is --http1.0 -H Host: http://ADDRESS/x":                                             {Version: "HTTP/1.0", Target: "/x"},
		"curl -si --path-as-is --connect-to a.test:80:ADDRESS: -H 'X: '\"$(head -c 300 /dev/zero | tr '\\0' x)\" http://a.test/": {
			Host: "a.test", Target: "/", Headers: []string{"X: " + strings.Repeat("x", 300)},
		},
	} {
		if got := compare.Curl(&derive.Probe{Request: request}); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
