package app_test

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/fixtures/charts"
)

// checkRights fails if the controller sent a request that its chart's RBAC rules do not allow.
func checkRights(t *testing.T, actions []clienttesting.Action) {
	t.Helper()
	rendered, err := charts.Render(nil, charts.Release{Name: "ingress-nginx", Namespace: "ingress"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := charts.YAML(rendered)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := snapshottest.Objects(stream)
	if err != nil {
		t.Fatal(err)
	}
	var everywhere, inNamespace []rbacv1.PolicyRule
	for _, object := range objects {
		switch o := object.(type) {
		case *rbacv1.ClusterRole:
			everywhere = o.Rules
		case *rbacv1.Role:
			inNamespace = o.Rules
		}
	}
	for _, action := range actions {
		if action.GetResource().Resource == "version" {
			continue // every user may get the API server's version
		}
		rules := everywhere
		if action.GetNamespace() == "ingress" {
			rules = slices.Concat(everywhere, inNamespace)
		}
		if !slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool { return allows(rule, action) }) {
			t.Errorf("the controller has no right to %s %s/%s in namespace %q",
				action.GetVerb(), action.GetResource().Resource, action.GetSubresource(), action.GetNamespace())
		}
	}
}

func allows(rule rbacv1.PolicyRule, action clienttesting.Action) bool {
	resource := action.GetResource().Resource
	if sub := action.GetSubresource(); sub != "" {
		resource += "/" + sub
	}
	return slices.Contains(rule.APIGroups, action.GetResource().Group) && slices.Contains(rule.Resources, resource) &&
		slices.Contains(rule.Verbs, action.GetVerb())
}
