package inprocess

import (
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/steps/compare"
)

// Causes are the differences between the modes of the controller, the rows of docs/compatibility.md.
func Causes() []compare.Cause {
	var all []compare.Cause
	for _, row := range compatibility.Rows() {
		all = append(all, compare.Cause{
			Name: string(row.Difference), Target: &Target{Mode: compatibility.IngressNginx.Without(row.Difference)},
		})
	}
	return all
}
