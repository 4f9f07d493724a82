package setting_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

func reader(values map[string]string) *setting.Reader {
	return setting.NewReader(setting.Annotations(), "p/", values)
}

func TestReaderGivesOutSupportedSettingsAlone(t *testing.T) {
	r := reader(map[string]string{
		"p/canary": " true ", "p/no-such-annotation": "1", "p/proxy-max-temp-file-size": "1m", "p/relative-redirects": "true",
		"p/configuration-snippet": "deny all;", "p/canary-weight": "", "q/canary-by-cookie": "c", "p": "x",
	})
	if text, given := r.Text("canary"); text != "true" || !given {
		t.Errorf("canary is %q, %t", text, given)
	}
	for _, name := range []string{
		"no-such-annotation", "proxy-max-temp-file-size", "relative-redirects", "configuration-snippet", "canary-weight", "canary-by-cookie",
	} {
		if text, given := r.Text(name); given || text != "" {
			t.Errorf("%s has the value %q", name, text)
		}
	}
	if r.Denied() != "configuration-snippet: snippets are text in nginx's own language" {
		t.Errorf("closed by %q", r.Denied())
	}
	var got []string
	for _, fault := range r.Faults() {
		got = append(got, fault.Message)
		if fault.Unsupported != (fault.Key != "p/configuration-snippet") {
			t.Errorf("%+v", fault)
		}
	}
	want := []string{
		"p/configuration-snippet: snippets are text in nginx's own language; the paths answer 503",
		"p/no-such-annotation: unknown: it has no effect",
		"p/relative-redirects: it has no effect: redirects are always absolute",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProtectionThatAsksForNothing(t *testing.T) {
	for _, c := range []struct {
		name, value string
		closes      bool
	}{
		{"enable-modsecurity", "false", false},
		{"enable-modsecurity", "true", true},
		{"enable-modsecurity", "maybe", true},
		{"configuration-snippet", "", false},
	} {
		r := reader(map[string]string{"p/" + c.name: c.value})
		if (r.Denied() != "") != c.closes || len(r.Faults()) > 0 != c.closes {
			t.Errorf("%s: %q is closed by %q, faults %v", c.name, c.value, r.Denied(), r.Faults())
		}
	}
}

func TestValues(t *testing.T) {
	r := reader(map[string]string{
		"p/canary": "maybe", "p/canary-weight": "7", "p/canary-weight-total": "0", "p/affinity": "ip",
		"p/proxy-read-timeout": "3", "p/proxy-connect-timeout": "soon", "p/session-cookie-name": "a b",
	})
	if r.Bool("canary", true) != true || r.Int("canary-weight", 0, 10, 1) != 7 || r.Int("canary-weight-total", 1, 10, 5) != 5 ||
		r.Choice("affinity", "none", "cookie") != "none" || r.Seconds("proxy-read-timeout", 0) != 3*time.Second ||
		r.Seconds("proxy-connect-timeout", time.Minute) != time.Minute {
		t.Error("values are not what they say, or their defaults")
	}
	if unread := r.Unread(); !cmp.Equal(unread, []string{"session-cookie-name"}) {
		t.Errorf("unread are %q", unread)
	}
	if r.Checked("session-cookie-name", func(string) bool { return false }, "it must be a name") != "" || len(r.Unread()) > 0 {
		t.Error("a value is used that does not satisfy its rule")
	}
	var keys []string
	for _, fault := range r.Faults() {
		keys = append(keys, fault.Key)
		if fault.Unsupported || !strings.HasPrefix(fault.Message, fault.Key+": ") {
			t.Errorf("%+v", fault)
		}
	}
	want := []string{"p/affinity", "p/canary", "p/canary-weight-total", "p/proxy-connect-timeout", "p/session-cookie-name"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
	if r.Denied() != "" {
		t.Errorf("closed by %q", r.Denied())
	}
}
