package config

import (
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// TestSupportedSettingsAreRead gives every setting a value: each that the table calls supported must be read by a parser.
func TestSupportedSettingsAreRead(t *testing.T) {
	all := func(table setting.Table) *setting.Reader {
		values := map[string]string{}
		for _, group := range table.Groups() {
			for _, s := range group.Settings {
				values[s.Name] = "x"
			}
		}
		return setting.NewReader(table, "", values)
	}
	r := all(setting.ConfigMap())
	global := readGlobal(compatibility.Mend, r)
	if unread := r.Unread(); len(unread) > 0 {
		t.Errorf("supported keys of the ConfigMap that no code reads: %q", unread)
	}
	r = all(setting.Annotations())
	readIngress(r, global)
	if unread := r.Unread(); len(unread) > 0 {
		t.Errorf("supported annotations that no code reads: %q", unread)
	}
}
