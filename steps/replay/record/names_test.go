package record

import (
	"slices"
	"testing"
)

func TestCheckNames(t *testing.T) {
	t.Parallel()
	one := Case{
		Objects:   []Object{{"kind": "Ingress", "metadata": map[string]any{"name": "a"}}, {"kind": "ConfigMap", "metadata": map[string]any{"name": "b"}}},
		Admission: map[string]Admission{"a": Accepted},
		Requests:  []Request{{Target: "/", Host: "a.test"}, {Target: "/", Host: "b.test"}, {Target: "/", Host: "a.test"}, {Target: "/", Host: "a.test"}},
	}
	want := []string{"admission of Ingress a", "", "GET http://a.test/", "GET http://b.test/", "GET http://a.test/ (2)", "GET http://a.test/ (3)"}
	if got := one.CheckNames(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for want, request := range map[string]Request{
		"GET http://a.test/x":                            {Target: "/x", Host: "a.test"},
		"POST https://a.test/, 10 bytes, 3 times":        {Method: "POST", Target: "/", Host: "a.test", HTTPS: true, BodyBytes: 10, Times: 3},
		"GET http://b.test/, Host a.test HTTP/1.0, A: 1": {Target: "http://b.test/", Host: "a.test", Version: "HTTP/1.0", Headers: []string{"A: 1"}},
		"4 raw bytes":         {Raw: "GET "},
		"GET /, Host: a.test": {Target: "/", OnlyHeaders: []string{"Host: a.test"}},
		"GET http://a.test/, A: 1, A: 2, A: 3, A: 4, …":          {Target: "/", Host: "a.test", Headers: []string{"A: 1", "A: 2", "A: 3", "A: 4", "A: 5"}},
		"GET https://a.test/, server name b.test, HTTP/2":        {Target: "/", Host: "a.test", HTTPS: true, ServerName: "b.test", HTTP2: true},
		"GET http://a.test/, keeping cookies, on one connection": {Target: "/", Host: "a.test", KeepCookies: true, SameConnection: true},
	} {
		if got := request.Summary(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
