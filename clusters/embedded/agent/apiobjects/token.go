//go:build linux

package apiobjects

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// longestTokenUse is the age at which a token is replaced at the latest.
const longestTokenUse = 24 * time.Hour

// RequestToken gets a token of the Pod's service account that is bound to the Pod, so that it becomes invalid when the Pod is
// deleted. An empty audience is the API server's. It should be renewed after 80 % of its life or a day, as the kubelet does.
func RequestToken(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, audience string, seconds int64) (string, time.Time, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &seconds,
		BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
		},
	}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	account := pod.Spec.ServiceAccountName
	asked := time.Now()
	reply, err := client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("requesting a token of service account %s/%s: %w", pod.Namespace, account, err)
	}
	life := reply.Status.ExpirationTimestamp.Sub(asked) * 8 / 10
	return reply.Status.Token, asked.Add(min(life, longestTokenUse)), nil
}
