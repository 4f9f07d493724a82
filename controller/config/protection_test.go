package config_test

import (
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
)

// TestProtectionFailsClosed gives each setting that restricts access values that are wrong.
func TestProtectionFailsClosed(t *testing.T) {
	wrong := map[string][]string{
		"whitelist-source-range": {"", ",", "garbage", "10.0.0.0/33", "10.0.0.0/8;", "10.0.0.0/8 11.0.0.0/8", "::1%eth0"},
		"allowlist-source-range": {"", "garbage"},
		"denylist-source-range":  {",", "garbage"},
		"satisfy":                {"some", "ANY"},
		"auth-type":              {"digest", "Basic", "basic"},
		"auth-secret":            {"users"},
		"auth-secret-type":       {"file"},
		"auth-url": {
			"not a url", "ftp://a/", "//a/", "http://", "http:///", "http://u:p@a/", "http://a b/", "http://a/ b", "http://a/#b", "http://a:0/",
			"http://a:99999/", "http://$unknown/", "http://a.$host/", "http://a/$unknown", "http://a/${", "http://a_b/",
		},
		"auth-method":                {"GET /", "TRACE", "get"},
		"auth-signin":                {"login", "https://l/$unknown", "javascript:alert(1)", "https://l/ x"},
		"auth-signin-redirect-param": {"a&b"},
		"auth-response-headers":      {"X-A, two words", ","},
		"auth-request-redirect":      {"$unknown"},
		"auth-cache-key":             {"$unknown"},
		"auth-cache-duration":        {"200 x", "x 5m", "999 5m", "200 5x", ","},
		"auth-snippet":               {"deny all;"},
		"auth-tls-secret":            {},
		"auth-tls-verify-client":     {"yes", "on"},
		"auth-tls-verify-depth":      {"-1", "x", "101"},
		"auth-tls-match-cn":          {"(", "CN=a"},
		"auth-tls-error-page":        {"page", "/page", "ftp://a/"},
		"limit-rps":                  {"many", "-1", "1.5"},
		"limit-rpm":                  {"many"},
		"limit-connections":          {"many"},
		"limit-burst-multiplier":     {"many"},
		"limit-whitelist":            {"garbage"},
		"auth-urls":                  {"http://a/"},
		"greylist-source-range":      {"10.0.0.0/8"},
	}
	for name, values := range wrong {
		for _, value := range values {
			annotations := map[string]string{name: value}
			if strings.HasPrefix(name, "auth-tls-") && value != "on" && value != "CN=a" {
				annotations["auth-tls-secret"] = "ns/authorities"
			}
			global, _ := config.ParseConfigMap(compatibility.Mend, nil)
			got, faults := config.ParseAnnotations("p", prefixed(annotations), global)
			if !strings.HasPrefix(got.Denied, name) || len(faults) == 0 || faults[0].Unsupported {
				t.Errorf("%s=%q: denied is %q, faults %+v", name, value, got.Denied, faults)
			}
		}
	}
	for name, values := range map[string][]string{
		"whitelist-source-range": {"garbage"}, "denylist-source-range": {"garbage"}, "block-cidrs": {"garbage"},
		"block-user-agents": {"~("}, "block-referers": {"~*("}, "global-auth-url": {"not a url"}, "global-auth-method": {"x"},
		"global-auth-signin": {"https://l/"}, "global-auth-snippet": {"deny all;"}, "global-auth-urls": {"x"}, "block-countries": {"x"},
	} {
		for _, value := range values {
			global, _ := config.ParseConfigMap(compatibility.Mend, map[string]string{name: value})
			if got, _ := config.ParseAnnotations("p", nil, global); !strings.HasPrefix(got.Denied, name) {
				t.Errorf("%s=%q in the ConfigMap: denied is %q", name, value, got.Denied)
			}
		}
	}
}
