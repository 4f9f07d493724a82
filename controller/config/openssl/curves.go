package openssl

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
)

// Curves returns the curves of a list such as "X25519:prime256v1" (SSL_CTX_set1_curves_list(3)), and the names of those that
// Go does not have; "auto" is nil. It fails if none is left.
func Curves(list string) (curves []tls.CurveID, missing []string, err error) {
	if list == "auto" {
		return nil, nil, nil
	}
	for _, name := range strings.FieldsFunc(list, func(c rune) bool { return c == ':' || c == ',' || c == ' ' }) {
		curve := curveOf(name)
		switch {
		case curve == 0:
			missing = append(missing, name)
		case !slices.Contains(curves, curve):
			curves = append(curves, curve)
		}
	}
	if len(curves) == 0 {
		return nil, nil, errors.New("Go has none of these curves") //nolint:staticcheck // Go is a name
	}
	return curves, missing, nil
}

// curveOf returns the curve of one of OpenSSL's names; 0 if Go does not have it.
func curveOf(name string) tls.CurveID {
	switch strings.ToLower(name) {
	case "x25519":
		return tls.X25519
	case "prime256v1", "secp256r1", "p-256":
		return tls.CurveP256
	case "secp384r1", "p-384":
		return tls.CurveP384
	case "secp521r1", "p-521":
		return tls.CurveP521
	case "x25519mlkem768":
		return tls.X25519MLKEM768
	case "secp256r1mlkem768":
		return tls.SecP256r1MLKEM768
	case "secp384r1mlkem1024":
		return tls.SecP384r1MLKEM1024
	}
	return 0
}
