package app

import (
	"net/http"

	"github.com/ingress-testbed/testbed/controller/configdump"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// statusHandler serves `controller dump` and `controller explain`.
func (c *components) statusHandler(table func() *route.Table) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(configdump.Path, configdump.Handler(table))
	mux.Handle("POST "+explain.HTTPPath, explain.Handler(c.source.Snapshot))
	return mux
}
