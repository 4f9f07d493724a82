// Package rules reads Ingresses: the valid part of each, and Problems for the rest.
package rules

import (
	"fmt"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/controller/translate/location"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Ingress is the valid part of an Ingress, whose pointer identifies it in a translation.
type Ingress struct {
	Object  *networkingv1.Ingress
	Config  config.Ingress
	Entries []Entry
	// Hosts of its rules, each once, also of rules without paths; "" stands for all others.
	Hosts []string
	// DefaultBackend is its default backend; nil if it has none.
	DefaultBackend *Service
}

// Entry is one path of one host.
type Entry struct {
	location.Location
	Service Service
	// Written is the path as the rule has it.
	Written string
	// Denied is why the location is denied: its path can't be read. It is "" otherwise.
	Denied string
}

// EndsInSlash reports whether the rule's path ends in a slash that requests may leave out.
func (e Entry) EndsInSlash() bool {
	return e.Kind != route.Regex && e.Written != "/" && strings.HasSuffix(e.Written, "/")
}

// defaultBackendLabel is the location of a default backend in a message.
type defaultBackendLabel struct{}

func (defaultBackendLabel) String() string { return "the default backend" }

// Service is a Service and its port as an Ingress names them.
type Service struct {
	Namespace, Name string
	Port            string // a number or a name
}

// Ref is the Service as routes refer to it.
func (s Service) Ref() route.ServiceRef {
	return route.ServiceRef{Namespace: s.Namespace, Name: s.Name, Port: s.Port}
}

// reader makes an Ingress of an Ingress.
type reader struct {
	object   *networkingv1.Ingress
	problems *problem.List
	paths    location.PathReader
	canary   bool
}

// Read returns the valid part of an Ingress, and reports the rest as Problems. prefix is that of its annotations.
func Read(object *networkingv1.Ingress, prefix string, global config.Global, problems *problem.List) Ingress {
	result := Ingress{Object: object}
	var faults []setting.Fault
	result.Config, faults = config.ParseAnnotations(prefix, object.Annotations, global)
	paths := location.PathReader{Mode: global.Mode, Regexes: result.Config.Rewrite.Active()}
	r := reader{object, problems, paths, result.Config.Canary != nil}
	for _, fault := range faults {
		switch {
		case fault.Unsupported:
			r.warn(problem.UnsupportedAnnotation, fault.Message)
		case !fault.Refused && global.Mode.Reproduces(compatibility.LenientValues):
			r.warn(problem.InvalidAnnotation, fault.Message)
		default:
			r.fail(problem.InvalidAnnotation, fault.Message)
		}
	}
	if backend := object.Spec.DefaultBackend; backend != nil {
		if service, ok := r.backend(defaultBackendLabel{}, backend); ok {
			result.DefaultBackend = &service
		}
	}
	seen := map[string]bool{}
	for _, rule := range object.Spec.Rules {
		host, ok := r.host(rule.Host)
		if !ok {
			continue
		}
		if !seen[host] {
			seen[host] = true
			result.Hosts = append(result.Hosts, host)
		}
		if rule.HTTP == nil {
			continue // a host alone: its default backend serves it, or nothing
		}
		for i := range rule.HTTP.Paths {
			if entry, ok := r.path(host, &rule.HTTP.Paths[i]); ok {
				result.Entries = append(result.Entries, entry)
			}
		}
	}
	return result
}

func (r reader) host(host string) (name string, ok bool) {
	name = strings.ToLower(host)
	if name == "" {
		return name, true
	}
	check := validation.IsDNS1123Subdomain
	if strings.HasPrefix(name, "*") {
		check = validation.IsWildcardDNS1123Subdomain
	}
	if len(check(name)) > 0 {
		r.fail(problem.InvalidHost, fmt.Sprintf("host %q is not valid: it must be a DNS name without port, such as "+
			`"example.com" or "*.example.com"`, host))
		return "", false
	}
	return name, true
}

func (r reader) path(host string, path *networkingv1.HTTPIngressPath) (Entry, bool) {
	where := location.Location{Host: host, Path: path.Path, Kind: route.Prefix}
	switch kind := path.PathType; {
	case kind == nil, *kind == networkingv1.PathTypeImplementationSpecific, *kind == networkingv1.PathTypePrefix:
	case *kind == networkingv1.PathTypeExact:
		where.Kind = route.Exact
	default:
		r.fail(problem.InvalidPath, fmt.Sprintf("%s: unknown path type %q", where, *kind))
		return Entry{}, false
	}
	if where.Path == "" {
		where.Path = "/"
	}
	written := where.Path
	specific := path.PathType == nil || *path.PathType == networkingv1.PathTypeImplementationSpecific
	if fault := r.paths.Normalise(&where, specific); fault != "" {
		message := fmt.Sprintf("%s: %s", where, fault)
		if where.Kind == route.Regex && !r.canary {
			closed := location.Closed(where.Host, where.Path)
			which := fmt.Sprintf("paths that begin with %q", closed.Path)
			if closed.Kind == route.Prefix {
				which = "paths without another rule"
			}
			r.fail(problem.InvalidPath, fmt.Sprintf("%s; %s answer 503", message, which))
			return Entry{Location: closed, Written: "/", Denied: message}, true
		}
		r.fail(problem.InvalidPath, message)
		return Entry{}, false
	}
	service, ok := r.backend(where, &path.Backend)
	return Entry{Location: where, Service: service, Written: written}, ok
}

func (r reader) backend(where fmt.Stringer, backend *networkingv1.IngressBackend) (Service, bool) {
	switch {
	case backend.Resource != nil:
		r.fail(problem.InvalidBackend, fmt.Sprintf("%s: backend %s %q is not a Service; only Services are supported",
			where, backend.Resource.Kind, backend.Resource.Name))
		return Service{}, false
	case backend.Service == nil || backend.Service.Name == "":
		r.fail(problem.InvalidBackend, fmt.Sprintf("%s: the backend names no Service", where))
		return Service{}, false
	}
	port := backend.Service.Port.Name
	if port == "" {
		port = strconv.Itoa(int(backend.Service.Port.Number))
	}
	if port == "0" {
		r.fail(problem.InvalidBackend, fmt.Sprintf("%s: the backend names no port of Service %q", where, backend.Service.Name))
		return Service{}, false
	}
	return Service{Namespace: r.object.Namespace, Name: backend.Service.Name, Port: port}, true
}

func (r reader) fail(reason problem.Reason, message string) {
	r.problems.Add(problem.Problem{Severity: problem.Error, Reason: reason, Object: problem.IngressObject(r.object), Message: message})
}

func (r reader) warn(reason problem.Reason, message string) {
	r.problems.Add(problem.Problem{Severity: problem.Warning, Reason: reason, Object: problem.IngressObject(r.object), Message: message})
}

// Key is "namespace/name".
func (i *Ingress) Key() string {
	return i.Object.Namespace + "/" + i.Object.Name
}

// Source is the Ingress as the source of its routes.
func (i *Ingress) Source() route.ObjectRef {
	return route.ObjectRef{Kind: "Ingress", Namespace: i.Object.Namespace, Name: i.Object.Name}
}

// SpreadRegexes turns all paths of a host into regular expressions if an Ingress of the host uses them.
func SpreadRegexes(all []*Ingress) {
	hosts := map[string]bool{}
	for _, ingress := range all {
		if ingress.Config.Canary != nil || !ingress.Config.Rewrite.Active() {
			continue
		}
		for _, host := range ingress.Hosts {
			hosts[host] = true
		}
	}
	for _, ingress := range all {
		for i := range ingress.Entries {
			e := &ingress.Entries[i]
			if hosts[e.Host] && location.CheckRegex(e.Written) == "" {
				e.Location = location.Regex(e.Host, e.Written)
			}
		}
	}
}
