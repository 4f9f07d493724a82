package subject

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/steps/objects"
)

// admissionTimeout bounds the wait until the API server reaches a new controller's admission webhook.
const admissionTimeout = 30 * time.Second

// waitAdmission waits until the API server reaches the admission webhook of an installation, if that has one: its node may not have the
// rules for the webhook's Service yet, and until then refuses every Ingress of the class. It asks by the dry run of an Ingress, which
// the webhook may refuse.
func (c Cluster) waitAdmission(ctx context.Context, installation Installation) error {
	if !slices.ContainsFunc(installation.Objects, func(object *unstructured.Unstructured) bool {
		return object.GetKind() == "ValidatingWebhookConfiguration"
	}) {
		return nil
	}
	probe := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "admission-probe", Namespace: installation.Namespace},
		Spec: networkingv1.IngressSpec{
			IngressClassName: &installation.IngressClass, Rules: []networkingv1.IngressRule{{Host: "admission-probe.test"}},
		},
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, admissionTimeout, true, func(ctx context.Context) (bool, error) {
		ingresses := c.Objects.Workloads.Clientset.NetworkingV1().Ingresses(installation.Namespace)
		_, last = ingresses.Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return !objects.WebhookUnreachable(last), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the ingress controller's admission webhook: %w", errors.Join(err, last))
	}
	return nil
}
