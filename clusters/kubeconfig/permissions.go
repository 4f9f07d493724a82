package kubeconfig

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// needed lists the permissions without which no scenario could run: to create and remove cluster-scoped objects, and to
// list the nodes. A user who has these may do everything else in the namespaces of the run.
func (c Config) needed() []authorizationv1.ResourceAttributes {
	var all []authorizationv1.ResourceAttributes
	add := func(group, resource string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Verb: verb})
		}
	}
	add("", "nodes", "list")
	add("", "namespaces", "create", "patch", "list", "delete")
	add("", "pods/exec", "create")
	add("apps", "deployments", "create")
	if !c.deploys() {
		add("networking.k8s.io", "ingressclasses", "list")
		add("networking.k8s.io", "ingresses", "create")
		return all
	}
	for _, resource := range []string{"clusterroles", "clusterrolebindings"} {
		add("rbac.authorization.k8s.io", resource, "create", "patch", "list", "delete")
	}
	add("networking.k8s.io", "ingressclasses", "create", "patch", "list", "delete")
	add("admissionregistration.k8s.io", "validatingwebhookconfigurations", "create", "patch", "list", "delete")
	return all
}

// checkRights checks with the API server that the user has the permissions that a run needs.
func (c Config) checkRights(ctx context.Context, clientset kubernetes.Interface, contextName string) error {
	var missing []string
	for _, right := range c.needed() {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right},
		}
		answer, err := clientset.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("checking the permissions of the user of context %q: %w", contextName, err)
		}
		if !answer.Status.Allowed {
			missing = append(missing, right.Verb+" "+right.Resource)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the user of context %q may not %s in all namespaces: choose one that may, such as one with ClusterRole cluster-admin",
			contextName, strings.Join(missing, ", "))
	}
	return nil
}
