package translate

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/replies"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/controller/translate/rules"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// proxyName is what clients get as Server if they get the name of the proxy. ingress-nginx sends that of nginx.
const proxyName = "ingress-testbed"

// fields makes policies of the header fields that ConfigMaps hold.
type fields struct {
	snapshot *snapshot.Snapshot
	problems *problem.List
	global   *replies.Global
}

// replies returns the policies that add the fields of custom-headers to an Ingress's replies. If these can't be read, the
// paths are denied, as in ingress-nginx: a field may protect clients.
func (f *fields) replies(owner *rules.Ingress) (policies policyList, deny *route.Deny) {
	key := owner.Config.Replies.Fields
	if key.Name == "" {
		return nil, nil
	}
	fail := func(severity problem.Severity, reason problem.Reason, message string) (policyList, *route.Deny) {
		f.problems.Add(problem.Problem{
			Severity: severity, Reason: reason, Object: problem.IngressObject(owner.Object), Message: "custom-headers: " + message + "; the paths answer 503",
		})
		return nil, &route.Deny{Status: http.StatusServiceUnavailable, Reason: "custom-headers: " + message}
	}
	if key.Namespace != owner.Object.Namespace {
		return fail(problem.Error, problem.InvalidAnnotation, fmt.Sprintf("ConfigMap %q is not in the namespace of the Ingress", key))
	}
	held := f.snapshot.ConfigMaps[key]
	if held == nil {
		return fail(problem.Warning, problem.ConfigMapNotFound, fmt.Sprintf("ConfigMap %q does not exist", key))
	}
	for _, name := range slices.Sorted(maps.Keys(held.Data)) {
		value := held.Data[name]
		switch {
		case !isField(name, value):
			return fail(problem.Warning, problem.InvalidConfigMap, fmt.Sprintf("ConfigMap %q: %q is not a field that can be set", key, name))
		case !slices.Contains(f.global.Allowed, name):
			return fail(problem.Warning, problem.InvalidConfigMap, fmt.Sprintf("ConfigMap %q: global-allowed-response-headers does not list %q", key, name))
		}
		policies = append(policies, replying.Field{Name: name, Value: value})
	}
	return policies, nil
}

// everywhere are the policies of the fields of all requests that backends get, and of all replies.
func (f *fields) everywhere() (requests, answers policyList) {
	for name, value := range f.held("proxy-set-headers", f.global.RequestFields) {
		if err := variable.Check(value); err != nil {
			f.warn("proxy-set-headers", fmt.Sprintf("%s: %v", name, err))
			continue
		}
		requests = append(requests, rewriting.Field{Name: name, Value: value})
	}
	if f.global.OriginalURI {
		requests = append(requests, rewriting.Field{Name: "X-Original-URI", Value: "$request_uri"})
	}
	for name, value := range f.held("add-headers", f.global.ReplyFields) {
		answers = append(answers, replying.Field{Name: name, Value: value})
	}
	for _, name := range f.global.Hidden {
		answers = append(answers, replying.Hide{Name: name})
	}
	answers.addIf(f.global.NamesProxy, replying.Server{Name: proxyName, KeepEndpoints: f.global.KeepsServer})
	return requests, answers
}

// held yields the fields of a ConfigMap in the order of their names, and reports those that can't be set.
func (f *fields) held(setting string, key types.NamespacedName) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		if key.Name == "" {
			return
		}
		held := f.snapshot.ConfigMaps[key]
		if held == nil {
			f.warn(setting, fmt.Sprintf("ConfigMap %q does not exist", key))
			return
		}
		for _, name := range slices.Sorted(maps.Keys(held.Data)) {
			if !isField(name, held.Data[name]) {
				f.warn(setting, fmt.Sprintf("ConfigMap %q: %q is not a field that can be set", key, name))
				continue
			}
			if !yield(name, held.Data[name]) {
				return
			}
		}
	}
}

func (f *fields) warn(setting, message string) {
	found := problem.Problem{Severity: problem.Warning, Reason: problem.InvalidSetting, Message: setting + ": " + message}
	if c := f.snapshot.ConfigMap; c != nil {
		found.Object = problem.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: c.Namespace, Name: c.Name, UID: c.UID}
	}
	f.problems.Add(found)
}

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

// isField reports whether a field can be set: not those that the framing of a message, or the proxy itself, depends on.
func isField(name, value string) bool {
	switch strings.ToLower(name) {
	case "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
		"x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-scheme", "x-real-ip",
		"x-request-id", "x-scheme":
		return false
	}
	return httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value)
}
