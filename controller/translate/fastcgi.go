package translate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
)

// fastCGI returns the policy of the parameters that an Ingress's backends get. What can't be had of the ConfigMap is
// reported and left out.
func (f *fields) fastCGI(owner *rules.Ingress) rewriting.FastCGI {
	settings := owner.Config.FastCGI
	made := rewriting.FastCGI{Index: settings.Index}
	key := settings.Params
	if key.Name == "" {
		return made
	}
	warn := func(severity problem.Severity, reason problem.Reason, message string) {
		f.problems.Add(problem.Problem{
			Severity: severity, Reason: reason, Object: problem.IngressObject(owner.Object), Message: "fastcgi-params-configmap: " + message,
		})
	}
	if key.Namespace == "" {
		key.Namespace = owner.Object.Namespace
	}
	if key.Namespace != owner.Object.Namespace {
		warn(problem.Error, problem.InvalidAnnotation, fmt.Sprintf("ConfigMap %q is not in the namespace of the Ingress", key))
		return made
	}
	held := f.snapshot.ConfigMaps[key]
	if held == nil {
		warn(problem.Warning, problem.ConfigMapNotFound, fmt.Sprintf("ConfigMap %q does not exist", key))
		return made
	}
	for _, name := range slices.Sorted(maps.Keys(held.Data)) {
		if err := rewriting.CheckParam(held.Data[name]); err != nil {
			warn(problem.Warning, problem.InvalidConfigMap, fmt.Sprintf("ConfigMap %q: %s: %v", key, name, err))
			continue
		}
		made.Params = append(made.Params, rewriting.Param{Name: name, Value: held.Data[name]})
	}
	return made
}
