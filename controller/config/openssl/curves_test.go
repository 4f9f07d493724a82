package openssl

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func TestCurves(t *testing.T) {
	t.Parallel()
	for list, c := range map[string]struct {
		want    []tls.CurveID
		missing string
		fails   bool
	}{
		"auto":                         {nil, "", false},
		"X25519:prime256v1":            {[]tls.CurveID{tls.X25519, tls.CurveP256}, "", false},
		"P-384,secp384r1 secp521r1":    {[]tls.CurveID{tls.CurveP384, tls.CurveP521}, "", false},
		"X25519MLKEM768:X448:P-256":    {[]tls.CurveID{tls.X25519MLKEM768, tls.CurveP256}, "X448", false},
		"SecP256r1MLKEM768":            {[]tls.CurveID{tls.SecP256r1MLKEM768}, "", false},
		"X448:brainpoolP256r1tls13":    {nil, "", true},
		"":                             {nil, "", true},
		"auto:X25519":                  {[]tls.CurveID{tls.X25519}, "auto", false},
		"secp384r1mlkem1024:secp256r1": {[]tls.CurveID{tls.SecP384r1MLKEM1024, tls.CurveP256}, "", false},
	} {
		got, missing, err := Curves(list)
		if !slices.Equal(got, c.want) || strings.Join(missing, " ") != c.missing || (err != nil) != c.fails {
			t.Errorf("%q: got %v, missing %q, %v", list, got, missing, err)
		}
	}
}

// What can't be read must not be offered.
func FuzzCurves(f *testing.F) {
	for _, list := range []string{"", "auto", "X25519:prime256v1", "X448", ":,"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		curves, _, err := Curves(list)
		if (len(curves) == 0) == (err == nil) && list != "auto" {
			t.Errorf("%q: got %v, %v", list, curves, err)
		}
	})
}
