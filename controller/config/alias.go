package config

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// parseAliases reads the further names of a host, in lower case. Regular expressions, which nginx takes for names, are
// not supported.
func parseAliases(r *setting.Reader) []string {
	const name = "server-alias"
	text, _ := r.Text(name)
	var aliases []string
	for _, alias := range setting.List(strings.ToLower(text)) {
		if len(validation.IsDNS1123Subdomain(strings.TrimPrefix(alias, "*."))) > 0 {
			r.Invalid(name, text, fmt.Sprintf("%q is not a host name, such as www.example.com or *.example.com", setting.Shorten(alias)))
			continue
		}
		aliases = append(aliases, alias)
	}
	return aliases
}
