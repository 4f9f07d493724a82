package config

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

const serverAlias = "server-alias"

// HostAliases are the further names of an Ingress's host, also those that are not valid.
func HostAliases(prefix string, annotations map[string]string) []string {
	return aliasList(annotations[prefix+"/"+serverAlias])
}

func aliasList(text string) []string { return setting.List(strings.ToLower(text)) }

// parseAliases reads the further names of a host, in lower case. Regular expressions, which nginx takes for names, are
// not supported.
func parseAliases(r *setting.Reader) []string {
	text, _ := r.Text(serverAlias)
	var aliases []string
	for _, alias := range aliasList(text) {
		if len(validation.IsDNS1123Subdomain(strings.TrimPrefix(alias, "*."))) > 0 {
			r.Invalid(serverAlias, text, fmt.Sprintf("%q is not a host name, such as www.example.com or *.example.com", setting.Shorten(alias)))
			continue
		}
		aliases = append(aliases, alias)
	}
	return aliases
}
