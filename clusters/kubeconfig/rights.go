package kubeconfig

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// needed are the rights without which no scenario could run: those to make and remove what has no namespace, and to
// look at the nodes. Whoever has them can do the rest in the namespaces made.
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

// checkRights asks the API server whether the user may do what a run does.
func (c Config) checkRights(ctx context.Context, clientset kubernetes.Interface, contextName string) error {
	var missing []string
	for _, right := range c.needed() {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right},
		}
		answer, err := clientset.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("asking the cluster of context %q what its user may do: %w", contextName, err)
		}
		if !answer.Status.Allowed {
			missing = append(missing, right.Verb+" "+right.Resource)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the user of context %q may not %s in all namespaces: use one that may, such as a member of ClusterRole cluster-admin",
			contextName, strings.Join(missing, ", "))
	}
	return nil
}
