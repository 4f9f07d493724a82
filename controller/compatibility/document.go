package compatibility

import (
	"fmt"
	"strings"
)

// Document is the list as a page in Markdown.
func Document() string {
	var page strings.Builder
	page.WriteString(`# Compatibility with ingress-nginx

ingress-nginx has behaviour that its users suffer from, and others rely on. By default the controller does what users
need. With ` + "`--compatibility=ingress-nginx`" + ` it does what ingress-nginx 1.15.1 does, so that it can stand in for it in comparisons.

This page is generated: ` + "`go test ./controller/compatibility -update`" + ` writes it.

`)
	fmt.Fprintf(&page, "There are %d differences.\n", len(Rows()))
	for _, row := range Rows() {
		fmt.Fprintf(&page, "\n## %s\n\n", row.Difference)
		fmt.Fprintf(&page, "- ingress-nginx: %s\n- by default: %s\n- why: %s\n- test: `%s`\n", row.Theirs, row.Ours, row.Why, row.Test)
	}
	return page.String()
}
