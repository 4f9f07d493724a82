package cluster

import (
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

// prefix begins the names of a comparison's namespaces, so that they don't collide with others of the cluster. Reports are without
// it.
type prefix string

// certificate is the name of a client certificate with the namespace in the cluster.
func (p prefix) certificate(name string) string {
	commonName, secret := standin.ParseClientCertificate(name)
	return standin.ClientCertificate(commonName, string(p)+secret)
}

// host is that of the Ingress that is applied last, which shows whether the controller serves.
func (p prefix) host() string { return string(p) + "probe.invalid" }

// trim removes the prefix from the beginning of a name.
func (p prefix) trim(name string) string { return strings.TrimPrefix(name, string(p)) }

// remove removes the prefix wherever it is in a text.
func (p prefix) remove(text string) string { return strings.ReplaceAll(text, string(p), "") }
