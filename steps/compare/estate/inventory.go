package estate

import (
	"maps"
	"slices"
	"strings"
)

// Use is how often an annotation is used.
type Use struct {
	// Annotation with its prefix.
	Annotation string `json:"annotation"`
	// Ingresses that have it, as namespace/name, sorted.
	Ingresses []string `json:"ingresses"`
	// Values that it has, sorted, each once; at most eight.
	Values []string `json:"values"`
}

// maxValues bounds the values that an inventory shows of an annotation.
const maxValues = 8

// Inventory lists the annotations of the Ingresses that may be settings of a controller, sorted by name: those with a
// prefix of a domain, except for what tools note for themselves.
func (e *Estate) Inventory() []Use {
	ingresses, values := map[string][]string{}, map[string]map[string]bool{}
	for _, ingress := range e.Ingresses {
		for name, value := range ingress.Annotations {
			if !isSetting(name) {
				continue
			}
			ingresses[name] = append(ingresses[name], Key(ingress).String())
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][value] = true
		}
	}
	var all []Use
	for _, name := range slices.Sorted(maps.Keys(ingresses)) {
		slices.Sort(ingresses[name])
		sorted := slices.Sorted(maps.Keys(values[name]))
		all = append(all, Use{Annotation: name, Ingresses: ingresses[name], Values: sorted[:min(len(sorted), maxValues)]})
	}
	return all
}

// notes are prefixes of annotations that tools write for themselves.
func notes() []string {
	return []string{
		"kubectl.kubernetes.io/", "meta.helm.sh/", "helm.sh/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "field.cattle.io/",
		"cert-manager.io/", "acme.cert-manager.io/", "external-dns.alpha.kubernetes.io/", "kubernetes.io/",
	}
}

func isSetting(name string) bool {
	return strings.Contains(name, "/") && !slices.ContainsFunc(notes(), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
