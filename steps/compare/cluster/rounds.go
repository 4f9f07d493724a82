package cluster

import (
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

// creationUnit is the resolution of creation times. Controllers let the age of Ingresses decide which one a path, or the settings
// of a host or a Service, come from; of two of the same second ingress-nginx takes the one whose name sorts last.
const creationUnit = time.Second

// rounds groups Ingresses, the oldest of which comes first, so that those of a round have neither a host nor a Service in common. If
// a creationUnit passes between two rounds, of two that have one in common the older one stays the older one.
func rounds(ingresses []*networkingv1.Ingress) [][]*networkingv1.Ingress {
	var all [][]*networkingv1.Ingress
	next := map[string]int{} // the round after the last one with a host or a Service
	for _, ingress := range ingresses {
		shared := sharedBy(ingress)
		round := 0
		for _, name := range shared {
			round = max(round, next[name])
		}
		for _, name := range shared {
			next[name] = round + 1
		}
		if round == len(all) {
			all = append(all, nil)
		}
		all[round] = append(all[round], ingress)
	}
	return all
}

// sharedBy names the hosts and Services of an Ingress; the host "" is that of rules without one.
func sharedBy(ingress *networkingv1.Ingress) []string {
	var names []string
	for _, rule := range ingress.Spec.Rules {
		names = append(names, "host "+rule.Host)
	}
	if len(ingress.Spec.Rules) == 0 {
		names = append(names, "host ")
	}
	for _, backend := range estate.Backends(ingress) {
		if backend.Service != nil {
			names = append(names, "service "+ingress.Namespace+"/"+backend.Service.Name)
		}
	}
	return names
}
