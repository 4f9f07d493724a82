package translate

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

// ingress is the valid part of an Ingress; the rest was reported as Problems.
type ingress struct {
	object  *networkingv1.Ingress
	config  config.Ingress
	entries []entry
	// hosts of its rules, each once, also of rules without paths; "" stands for all others.
	hosts []string
	// defaultBackend is its default backend; nil if it has none.
	defaultBackend *service
	// certificate is what its annotations require of client certificates; nil if they require none.
	certificate *certificateGuard
}

// entry is one path of one host.
type entry struct {
	location.Location
	service service
	// written is the path as the rule has it.
	written string
	// denied is why the location is denied: its path can't be read. It is "" otherwise.
	denied string
}

// endsInSlash reports whether the rule's path ends in a slash that requests may leave out.
func (e entry) endsInSlash() bool {
	return e.Kind != route.Regex && e.written != "/" && strings.HasSuffix(e.written, "/")
}

// defaultBackendLabel is the location of a default backend in a message.
type defaultBackendLabel struct{}

func (defaultBackendLabel) String() string { return "the default backend" }

// service is a Service and its port as an Ingress names them.
type service struct {
	namespace, name string
	port            string // a number or a name
}

func (s service) ref() route.ServiceRef {
	return route.ServiceRef{Namespace: s.namespace, Name: s.name, Port: s.port}
}

// ingressReader makes an ingress of an Ingress.
type ingressReader struct {
	object   *networkingv1.Ingress
	problems *problem.List
	paths    location.PathReader
	canary   bool
}

func readIngress(object *networkingv1.Ingress, prefix string, global config.Global, problems *problem.List) ingress {
	result := ingress{object: object}
	var faults []setting.Fault
	result.config, faults = config.ParseAnnotations(prefix, object.Annotations, global)
	paths := location.PathReader{Mode: global.Mode, Regexes: result.config.Rewrite.Active()}
	r := ingressReader{object, problems, paths, result.config.Canary != nil}
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
			result.defaultBackend = &service
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
			result.hosts = append(result.hosts, host)
		}
		if rule.HTTP == nil {
			continue // a host alone: its default backend serves it, or nothing
		}
		for i := range rule.HTTP.Paths {
			if entry, ok := r.path(host, &rule.HTTP.Paths[i]); ok {
				result.entries = append(result.entries, entry)
			}
		}
	}
	return result
}

func (r ingressReader) host(host string) (name string, ok bool) {
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

func (r ingressReader) path(host string, path *networkingv1.HTTPIngressPath) (entry, bool) {
	where := location.Location{Host: host, Path: path.Path, Kind: route.Prefix}
	switch kind := path.PathType; {
	case kind == nil, *kind == networkingv1.PathTypeImplementationSpecific, *kind == networkingv1.PathTypePrefix:
	case *kind == networkingv1.PathTypeExact:
		where.Kind = route.Exact
	default:
		r.fail(problem.InvalidPath, fmt.Sprintf("%s: unknown path type %q", where, *kind))
		return entry{}, false
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
			return entry{Location: closed, written: "/", denied: message}, true
		}
		r.fail(problem.InvalidPath, message)
		return entry{}, false
	}
	service, ok := r.backend(where, &path.Backend)
	return entry{Location: where, service: service, written: written}, ok
}

func (r ingressReader) backend(where fmt.Stringer, backend *networkingv1.IngressBackend) (service, bool) {
	switch {
	case backend.Resource != nil:
		r.fail(problem.InvalidBackend, fmt.Sprintf("%s: backend %s %q is not a Service; only Services are supported",
			where, backend.Resource.Kind, backend.Resource.Name))
		return service{}, false
	case backend.Service == nil || backend.Service.Name == "":
		r.fail(problem.InvalidBackend, fmt.Sprintf("%s: the backend names no Service", where))
		return service{}, false
	}
	port := backend.Service.Port.Name
	if port == "" {
		port = strconv.Itoa(int(backend.Service.Port.Number))
	}
	if port == "0" {
		r.fail(problem.InvalidBackend, fmt.Sprintf("%s: the backend names no port of Service %q", where, backend.Service.Name))
		return service{}, false
	}
	return service{namespace: r.object.Namespace, name: backend.Service.Name, port: port}, true
}

func (r ingressReader) fail(reason problem.Reason, message string) {
	r.problems.Add(problem.Problem{Severity: problem.Error, Reason: reason, Object: problem.IngressObject(r.object), Message: message})
}

func (r ingressReader) warn(reason problem.Reason, message string) {
	r.problems.Add(problem.Problem{Severity: problem.Warning, Reason: reason, Object: problem.IngressObject(r.object), Message: message})
}

// key is "namespace/name".
func (i *ingress) key() string {
	return i.object.Namespace + "/" + i.object.Name
}

// source is the Ingress as the source of its routes.
func (i *ingress) source() route.ObjectRef {
	return route.ObjectRef{Kind: "Ingress", Namespace: i.object.Namespace, Name: i.object.Name}
}

// spreadRegexes turns all paths of a host into regular expressions if an Ingress of the host uses them.
func spreadRegexes(all []*ingress) {
	hosts := map[string]bool{}
	for _, ingress := range all {
		if ingress.config.Canary != nil || !ingress.config.Rewrite.Active() {
			continue
		}
		for _, host := range ingress.hosts {
			hosts[host] = true
		}
	}
	for _, ingress := range all {
		for i := range ingress.entries {
			e := &ingress.entries[i]
			if hosts[e.Host] && location.CheckRegex(e.written) == "" {
				e.Location = location.Regex(e.Host, e.written)
			}
		}
	}
}
