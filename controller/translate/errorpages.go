package translate

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/proxy/policy"
)

// errorPages returns the policy of an Ingress's error pages; found is false if it has none.
func (r *routes) errorPages(owner *ingress, s service) (pages policy.ErrorPages, found bool) {
	settings := owner.config.Replies.ErrorPages
	own := r.upstreams.errorBackend(owner, settings.Backend)
	if len(settings.Statuses) == 0 && own == "" {
		return policy.ErrorPages{}, false
	}
	pages = policy.ErrorPages{
		Statuses: settings.Statuses, OwnOnly: settings.OwnOnly, Upstream: cmp.Or(own, r.upstreams.errorDefault()),
		Unavailable: own != "",
		Namespace:   s.namespace, Ingress: owner.object.Name, Service: s.name, Port: s.port,
	}
	switch {
	case pages.Upstream != "":
		pages.HTTP10 = r.mode.Reproduces(compatibility.OldRequests)
	case r.mode.Reproduces(compatibility.NoErrorBackend):
		pages.Status = http.StatusNotFound
	}
	return pages, true
}

// errorBackend makes the upstream of a Service that serves error pages, which is its first port; "" if it can't be had.
func (u *upstreams) errorBackend(owner *ingress, name string) (upstream string) {
	if name == "" {
		return ""
	}
	key := types.NamespacedName{Namespace: owner.object.Namespace, Name: name}
	svc := u.snapshot.Services[key]
	problem := Problem{Severity: Warning, Object: IngressObject(owner.object)}
	switch {
	case svc == nil:
		problem.Reason, problem.Message = ServiceNotFound, fmt.Sprintf("default-backend: Service %q does not exist", key)
	case len(svc.Spec.Ports) == 0:
		problem.Reason, problem.Message = PortNotFound, fmt.Sprintf("default-backend: Service %q has no port", key)
	default:
		s := service{namespace: key.Namespace, name: key.Name, port: strconv.Itoa(int(svc.Spec.Ports[0].Port))}
		used := upstreamKey{service: s, protocol: u.declaredProtocol(s)}
		upstream = u.ensure(used)
		fault, failed := u.faults[used]
		if !failed {
			return upstream
		}
		problem.Reason, problem.Message = fault.reason, "default-backend: "+fault.message
		if fault.reason == NoEndpoints {
			problem.Severity = Notice
		}
	}
	u.problems.add(problem)
	return upstream
}

// errorDefault is the upstream of the controller's default backend; "" if there is none.
func (u *upstreams) errorDefault() string {
	if u.snapshot.Settings.DefaultBackend.Name == "" {
		return ""
	}
	return defaultUpstream
}
