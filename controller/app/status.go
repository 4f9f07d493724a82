package app

import (
	"net/http"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/configdump"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// statusHandler serves `controller dump` and `controller explain`.
func (c *components) statusHandler(table func() *route.Table) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(configdump.Path, configdump.Handler(func() configdump.Table {
		settings := c.settings.get() // before the table, which may be newer than the settings but not older
		dump := configdump.Of(table())
		dump.Settings = settings
		return dump
	}))
	mux.Handle("POST "+explain.HTTPPath, explain.Handler(c.source.Snapshot))
	return mux
}

// servedSettings are the ConfigMaps that the table was made with. It observes the controller's loop.
type servedSettings struct {
	last atomic.Pointer[[]configdump.ConfigMap] // nil before the first table
}

// Observe implements controller.Observer.
func (s *servedSettings) Observe(outcome controller.Outcome) {
	cluster := outcome.Snapshot
	var found []configdump.ConfigMap
	for _, one := range []*corev1.ConfigMap{
		cluster.ConfigMap, cluster.ConfigMaps[cluster.Settings.TCPServices], cluster.ConfigMaps[cluster.Settings.UDPServices],
	} {
		if one != nil {
			found = append(found, configdump.ConfigMap{Namespace: one.Namespace, Name: one.Name, ResourceVersion: one.ResourceVersion})
		}
	}
	s.last.Store(&found)
}

func (s *servedSettings) get() []configdump.ConfigMap {
	if last := s.last.Load(); last != nil {
		return *last
	}
	return nil
}
