package openssl

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func names(ids []uint16) string {
	var list []string
	for _, id := range ids {
		for _, c := range ciphers() {
			if c.id == id {
				list = append(list, c.name)
			}
		}
	}
	return strings.Join(list, " ")
}

func TestCiphers(t *testing.T) {
	for list, c := range map[string]struct{ want, missing string }{
		"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384": {"ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384", ""},
		"ECDHE-RSA-CHACHA20-POLY1305,DHE-RSA-AES128-GCM-SHA256":     {"ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES128-GCM-SHA256"},
		"DHE-RSA-AES256-SHA": {"", "DHE-RSA-AES256-SHA"},
		"EECDH+AESGCM:EDH+AESGCM": {
			"ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384", "EDH+AESGCM",
		},
		"ECDHE+AESGCM+AES256:!aECDSA:!MD5:@STRENGTH": {"ECDHE-RSA-AES256-GCM-SHA384", ""},
		"HIGH:!aNULL:!ECDHE:!SHA1":                   {"AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA256", ""},
		"!AES:HIGH":                                  {"ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305", ""},
		"AES128-SHA -kRSA AES256-SHA":                {"AES256-SHA", ""},
		"AES128-SHA !kRSA AES256-SHA":                {"", ""},
		"":                                           {"", ""},
	} {
		got, missing, err := Ciphers(list)
		if err != nil || names(got) != c.want || strings.Join(missing, " ") != c.missing {
			t.Errorf("%s: got %q, missing %q, %v", list, names(got), missing, err)
		}
	}
	if all, _, err := Ciphers("ALL"); err != nil || len(all) != len(ciphers()) {
		t.Errorf("ALL: got %d, %v", len(all), err)
	}
	for _, list := range []string{"HIGH:!WEAK", "HIGH:-x", "HIGH:!", "HIGH:!AES+nonsense"} {
		if got, _, err := Ciphers(list); err == nil {
			t.Errorf("%s: got %q", list, names(got))
		}
	}
}

func TestCiphersAreGos(t *testing.T) {
	var offered []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		offered = append(offered, suite.ID)
	}
	for _, c := range ciphers() {
		if !slices.Contains(offered, c.id) {
			t.Errorf("Go has no %s", c.name)
		}
	}
}

func TestVersions(t *testing.T) {
	for list, want := range map[string][2]uint16{
		"TLSv1.2 TLSv1.3": {tls.VersionTLS12, tls.VersionTLS13}, "TLSv1.3": {tls.VersionTLS13, tls.VersionTLS13},
		"TLSv1.2 TLSv1 TLSv1.1": {tls.VersionTLS10, tls.VersionTLS12},
	} {
		if oldest, newest, err := Versions(list); err != nil || oldest != want[0] || newest != want[1] {
			t.Errorf("%s: got %x to %x, %v", list, oldest, newest, err)
		}
	}
	for _, list := range []string{"", "SSLv3 TLSv1", "TLSv1.4", "TLSv1.1 TLSv1.3", "TLS1.2"} {
		if oldest, newest, err := Versions(list); err == nil {
			t.Errorf("%q: got %x to %x", list, oldest, newest)
		}
	}
}

func FuzzCiphers(f *testing.F) {
	f.Add("EECDH+AESGCM:!aNULL:@STRENGTH")
	f.Fuzz(func(t *testing.T, list string) {
		allowed, _, err := Ciphers(list)
		if err == nil && len(allowed) > len(ciphers()) {
			t.Errorf("%q: %d ciphers", list, len(allowed))
		}
	})
}
