package route

import (
	"net/netip"
	"strings"
	"testing"
)

// TestForwardedSettings checks that each setting makes a difference, and is shown.
func TestForwardedSettings(t *testing.T) {
	prefix := netip.MustParsePrefix
	for line, set := range map[string]func(*Table){
		"forwarded headers":            func(t *Table) { t.Forwarded.TrustHeaders = true },
		"forwarded header=\"X-Chain\"": func(t *Table) { t.Forwarded.Header = "X-Chain" },
		"forwarded full":               func(t *Table) { t.Forwarded.ComputeFull = true },
		"forwarded any-peer":           func(t *Table) { t.Forwarded.AnyPeer = true },
		"forwarded own-port":           func(t *Table) { t.Forwarded.OwnPort = true },
		"forwarded from=10.0.0.0/8 from=::/0": func(t *Table) {
			t.Forwarded.TrustedProxies = []netip.Prefix{prefix("10.0.0.0/8"), prefix("::/0")}
		},
		"proxy protocol":         func(t *Table) { t.ProxyProtocol = true },
		"underscores in headers": func(t *Table) { t.UnderscoresInHeaders = true },
	} {
		table := new(Table)
		set(table)
		if table.Equal(new(Table)) || new(Table).Equal(table) {
			t.Errorf("%s: it makes no difference", line)
		}
		var text strings.Builder
		if err := table.WriteText(&text); err != nil || text.String() != line+"\n" {
			t.Errorf("got %q, %v, want %q", text.String(), err, line)
		}
	}
	a, b := Forwarded{TrustedProxies: []netip.Prefix{prefix("10.0.0.0/8")}}, Forwarded{TrustedProxies: []netip.Prefix{prefix("10.0.0.0/8")}}
	if !a.Equal(b) {
		t.Error("equal settings differ")
	}
}
