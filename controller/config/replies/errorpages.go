package replies

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ingress-testbed/testbed/controller/config/setting"
)

// ErrorPages is which replies are replaced by those of an error backend.
type ErrorPages struct {
	// Statuses in ascending order, each once.
	Statuses []int
	// Backend is the Service of default-backend, in the namespace of the Ingress; "" is the controller's default backend.
	Backend string
	// OwnOnly leaves replies of backends as they are.
	OwnOnly bool
}

const errorBackend = "default-backend"

func readErrorPages(r *setting.Reader, defaults ErrorPages) ErrorPages {
	pages := ErrorPages{
		Statuses: defaults.Statuses,
		OwnOnly:  r.Bool("disable-proxy-intercept-errors", defaults.OwnOnly),
		Backend:  r.Checked(errorBackend, isServiceName, "it must be the name of a Service in the namespace of the Ingress"),
	}
	const statuses = "custom-http-errors"
	if text, given := r.Text(statuses); given {
		read, ok := parseStatuses(text)
		if !ok {
			r.Invalid(statuses, text, `it must be statuses from 300 to 599, such as "404,503"`)
			return pages
		}
		pages.Statuses = read
	}
	return pages
}

func isServiceName(text string) bool { return len(validation.IsDNS1035Label(text)) == 0 }

func parseStatuses(text string) (statuses []int, ok bool) {
	for _, item := range setting.List(text) {
		status, err := strconv.Atoi(item)
		if err != nil || status < 300 || status > 599 {
			return nil, false
		}
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	return slices.Compact(statuses), len(statuses) > 0
}

// ErrorBackend returns the Service that an Ingress's default-backend names.
func ErrorBackend(prefix string, annotations map[string]string) (name string, ok bool) {
	name = strings.TrimSpace(annotations[prefix+"/"+errorBackend])
	return name, isServiceName(name)
}
