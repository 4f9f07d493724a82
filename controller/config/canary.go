package config

import (
	"math"

	"golang.org/x/net/http/httpguts"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// Canary selects the requests for the main Ingress's paths that a canary Ingress gets. The fields apply in their
// order, and mean what they mean in route.Canary.
type Canary struct {
	Header, HeaderValue, HeaderPattern string
	Cookie                             string
	Weight, WeightTotal                int
}

func parseCanary(r *setting.Reader, mode compatibility.Mode) *Canary {
	enabled := r.Bool("canary", false)
	canary := &Canary{
		Header:        r.Checked("canary-by-header", setting.IsToken, "it must be the name of a request header"),
		HeaderValue:   r.Checked("canary-by-header-value", isHeaderValue, "it must be the value of a request header"),
		HeaderPattern: r.Checked("canary-by-header-pattern", setting.IsRegexp, "it must be a regular expression (RE2 syntax)"),
		Cookie:        r.Checked("canary-by-cookie", setting.IsToken, "it must be the name of a cookie"),
		WeightTotal:   r.Int("canary-weight-total", 1, math.MaxInt32, 100),
	}
	if mode.Reproduces(compatibility.CanaryTotal) {
		canary.WeightTotal = max(canary.WeightTotal, 100)
	}
	canary.Weight = min(r.Int("canary-weight", 0, math.MaxInt32, 0), canary.WeightTotal)
	if !enabled {
		return nil
	}
	return canary
}

func isHeaderValue(text string) bool {
	return text != "" && httpguts.ValidHeaderFieldValue(text)
}
