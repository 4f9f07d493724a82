package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/steps/subject"
)

// judgeFlags say which ingress controller is judged, if it is one that is in the cluster already.
type judgeFlags struct {
	class, service string
	settle         time.Duration
}

func (f *judgeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.class, "ingress-class", os.Getenv("INGRESS_CLASS"),
		"judge the ingress controller that is in the cluster and serves this `class` (default one that the run deploys)")
	flags.StringVar(&f.service, "controller-service", os.Getenv("CONTROLLER_SERVICE"), "`NAMESPACE/NAME` of the Service that leads to that controller")
	flags.DurationVar(&f.settle, "settle", 0, "how long that controller may take until it serves a new Ingress (default 3s)")
}

// existing identifies the controller to judge; nil for one that the run deploys.
func (f *judgeFlags) existing() (*subject.Reference, error) {
	switch {
	case f.class == "" && f.service == "" && f.settle == 0:
		return nil, nil //nolint:nilnil // see above
	case f.class == "" || f.service == "":
		return nil, errors.New("another ingress controller is known by --ingress-class and --controller-service: give both, or neither")
	case f.settle < 0:
		return nil, fmt.Errorf("--settle %s: a controller can't serve an Ingress before it is there", f.settle)
	}
	namespace, name, found := strings.Cut(f.service, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("--controller-service %q: write it as NAMESPACE/NAME, traefik/traefik say", f.service)
	}
	return &subject.Reference{IngressClass: f.class, Namespace: namespace, Service: name}, nil
}

// serviceOf names the Service of a controller that is in the cluster; empty for none.
func serviceOf(existing *subject.Reference) types.NamespacedName {
	if existing == nil {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: existing.Namespace, Name: existing.Service}
}

// judge has a source's cluster judge the controller that is there.
func (s *clusterSource) judge(existing *subject.Reference, settle time.Duration) error {
	if existing != nil && s.disposable {
		return errors.New("a new cluster has no ingress controller to judge: give the --name of one that has, or use --cluster kubeconfig")
	}
	s.existing = cmp.Or(s.existing, existing)
	s.waitPolicy.Settle = settle
	return nil
}
