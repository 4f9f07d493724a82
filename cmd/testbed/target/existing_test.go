package target

import (
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/subject"
)

func TestExistingControllerNeedsExistingCluster(t *testing.T) {
	controller := &subject.Reference{IngressClass: "a"}
	if err := checkExisting(controller, clusters.Properties{}); err != nil {
		t.Errorf("in a cluster that is kept: %v", err)
	}
	if err := checkExisting(controller, clusters.Properties{Disposable: true}); err == nil || !strings.Contains(err.Error(), "no ingress controller to test") {
		t.Errorf("in a new cluster: error %v", err)
	}
	if err := checkExisting(nil, clusters.Properties{Disposable: true}); err != nil {
		t.Errorf("a run that deploys its own: %v", err)
	}
}
