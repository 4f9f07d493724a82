package config

import (
	"math"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/selecting"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

// Balancing is which endpoints requests are sent to.
type Balancing struct {
	// HashBy is the zero value unless the text of a request selects its endpoint.
	HashBy selecting.HashBy
	// ByLatency selects the endpoints that answer fast.
	ByLatency bool
	// ByService connects to the Service's cluster IP instead of its endpoints.
	ByService bool
}

func parseBalancing(r *setting.Reader, defaults Balancing) Balancing {
	balancing := Balancing{ByService: r.Bool("service-upstream", defaults.ByService), ByLatency: defaults.ByLatency}
	if algorithm := r.Choice("load-balance", "", "round_robin", "ewma"); algorithm != "" {
		balancing.ByLatency = algorithm == "ewma"
	}
	isTemplate := func(text string) bool { return variable.Check(text) == nil }
	key := r.Checked("upstream-hash-by", isTemplate, "it must be text with variables that are supported, such as $request_uri")
	subset := r.Bool("upstream-hash-by-subset", false)
	size := r.Int("upstream-hash-by-subset-size", 1, math.MaxInt32, 3)
	if key == "" {
		return balancing
	}
	balancing.HashBy.Key = key
	if subset {
		balancing.HashBy.Subset = size
	}
	return balancing
}
