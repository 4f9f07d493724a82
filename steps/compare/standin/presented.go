package standin

import (
	"encoding/base64"
	"strings"

	"github.com/ingress-testbed/testbed/fixtures/backends"
)

// What requests present to be let in. All of it is made up: the passwords and certificates of the user are never read.
const (
	User     = "testbed"
	Password = "allowed"
	// AuthHeader asks the authentication server for a status; without it the server refuses (401). AuthFields lists the names
	// of header fields that its answer has.
	AuthHeader = backends.StandInAuth
	AuthFields = backends.StandInAuthFields
)

// BasicAuthorization is the value of Authorization for the user with a password.
func BasicAuthorization(password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(User+":"+password))
}

// certificateSeparator can be part of neither the name of a Secret nor a common name that sample makes.
const certificateSeparator = " of "

// ClientCertificate is the name of a client certificate in requests: its common name, and the Secret with its authority as
// namespace/name.
func ClientCertificate(commonName, secret string) string {
	return commonName + certificateSeparator + secret
}

// ParseClientCertificate splits a name of ClientCertificate.
func ParseClientCertificate(name string) (commonName, secret string) {
	at := strings.LastIndex(name, certificateSeparator)
	if at < 0 {
		return name, ""
	}
	return name[:at], name[at+len(certificateSeparator):]
}
