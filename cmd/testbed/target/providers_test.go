package target

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/subject/testbed"
)

func TestChooseProvider(t *testing.T) {
	for name, c := range map[string]struct {
		kind string
		args []string
		want string // of the error
	}{
		"a kind with its flag":       {"kind", []string{"--kind-image", "x"}, ""},
		"a kind without flags":       {"kubeconfig", nil, ""},
		"a flag of another kind":     {"kind", []string{"--k3d-image", "x"}, "--k3d-image does not apply to --cluster kind, only to --cluster k3d"},
		"a flag of the default kind": {"k3d", []string{"--workers", "1"}, "--workers does not apply to --cluster k3d, only to --cluster embedded"},
		"an unknown kind":            {"walrus", nil, "take embedded, kind, k3d, kubeconfig"},
	} {
		t.Run(name, func(t *testing.T) {
			all := NewProviders()
			cmd := &cobra.Command{}
			all.Register(cmd)
			if err := cmd.ParseFlags(c.args); err != nil {
				t.Fatal(err)
			}
			chosen, err := all.Choose(c.kind)
			switch {
			case c.want == "" && (err != nil || chosen.Kind() != c.kind):
				t.Errorf("chose %v, error %v", chosen, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestDeploymentFollowsTheAccess(t *testing.T) {
	tenancy := &clusters.Tenancy{ControllerNamespace: "run-ingress", IngressClass: "run", Suffix: "x"}
	ports := map[string]string{"HTTP node port": "30080"}
	for name, c := range map[string]struct {
		tenancy *clusters.Tenancy
		access  clusters.Access
		class   string
		service string
		refused bool // a node port of the feature file's choice
	}{
		"own cluster":   {nil, clusters.Access{Reach: clusters.ReachNodePort, NodePorts: true}, "nginx", "NodePort", false},
		"guest":         {tenancy, clusters.Access{Reach: clusters.ReachNodePort, NodePorts: true}, "run", "NodePort", false},
		"load balancer": {tenancy, clusters.Access{Reach: clusters.ReachLoadBalancer}, "run", "LoadBalancer", true},
		"port forward":  {tenancy, clusters.Access{Reach: clusters.ReachPortForward}, "run", "NodePort", true},
	} {
		t.Run(name, func(t *testing.T) {
			render := testbed.New(deployment(c.tenancy, c.access)).Render
			controller, err := render(nil)
			if err != nil {
				t.Fatal(err)
			}
			var kind string
			for _, object := range controller.Objects {
				if object.GetKind() == "Service" && object.GetName() == controller.Service {
					kind, _, _ = unstructured.NestedString(object.Object, "spec", "type")
				}
			}
			if controller.IngressClass != c.class || kind != c.service {
				t.Errorf("class %q, want %q; Service of type %q, want %q", controller.IngressClass, c.class, kind, c.service)
			}
			if _, err := render(ports); (err != nil) != c.refused {
				t.Errorf("with a node port: error %v", err)
			}
		})
	}
}

// A further installation has no name, class or port in common with that of the articles.
func TestFurtherInstallationsHaveTheirOwnNames(t *testing.T) {
	t.Parallel()
	first, err := testbed.New(testbed.Options{}).Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := testbed.New(further(1)).Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.IngressClass == second.IngressClass {
		t.Errorf("both have the IngressClass %q", first.IngressClass)
	}
	for _, a := range first.Objects {
		for _, b := range second.Objects {
			if a.GetKind() == b.GetKind() && a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName() {
				t.Errorf("both have the %s %s/%s", a.GetKind(), a.GetNamespace(), a.GetName())
			}
		}
	}
}
