// Package basicauth reads the credentials of Basic authentication (RFC 7617).
package basicauth

import (
	"encoding/base64"
	"strings"
)

// Parse reads the value of an Authorization field: "Basic" and the base64 text of "user:password" (RFC 7617
// section 2).
func Parse(value []byte) (user, password string, ok bool) {
	scheme, text, _ := strings.Cut(string(value), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Trim(text, " "))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(decoded), ":")
}
