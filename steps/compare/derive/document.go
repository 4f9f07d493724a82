package derive

import (
	"fmt"
	"strings"
)

// Document is the rules as a page in Markdown.
func Document() string {
	var page strings.Builder
	page.WriteString(`# The requests of testbed compare

For each path of each Ingress ` + "`testbed compare`" + ` sends requests on both sides of each boundary, all with what the Ingress requires:
the scheme of its tls section, a password, a client certificate, an address that is let in.

| boundary | requests |
| --- | --- |
| path | as written, with a query, below, with and without a slash at the end, beside, above, in the other case, with an encoded letter, with two slashes, with dot segments, with an encoded slash; for a regular expression a path that it matches, and the beginning of that |
| host | as written, with one more label, in upper case, with a port; for a wildcard one label, two and none; for a rule without a host a request that names none; a host of no Ingress |
| scheme | http and https; http with a query, below, and with a slash at the end |
| body | a byte more than the default limit, 1 MiB or that of the ConfigMap, unless the Ingress has another one |
| answer | a backend that names its software in header fields |
| default backend | a path without a rule |
| message | to one Ingress, because it is the same for all: ` + strings.Join(messageNames(), "; ") + ` |
| ` + "`use-forwarded-headers`" + ` | where the ConfigMap has it, to one Ingress: fields as another proxy in front sends them |

Annotations of ingress-nginx add the requests below. At most 400 requests are sent for an Ingress
(` + "`--requests-per-ingress`" + `), and the report says how many were left out.

This page is generated: ` + "`go test ./steps/compare/derive -update`" + ` writes it.

| annotation | requests |
| --- | --- |
`)
	for _, rule := range Rules() {
		fmt.Fprintf(&page, "| `%s` | %s |\n", rule.Annotation, rule.Requests)
	}
	return page.String()
}
