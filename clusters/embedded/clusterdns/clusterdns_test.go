package clusterdns_test

import (
	"net/netip"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ingress-testbed/testbed/clusters/embedded/clusterdns"
)

func TestDeploy(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	config := clusterdns.Config{
		Image: "testbed.local/coredns:dev", Address: netip.MustParseAddr("10.10.200.10"), Domain: "lab.local",
	}
	if err := clusterdns.Deploy(t.Context(), client, config); err != nil {
		t.Fatal(err)
	}
	service, err := client.CoreV1().Services("kube-system").Get(t.Context(), clusterdns.ServiceName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if service.Spec.ClusterIP != "10.10.200.10" {
		t.Errorf("the Service has the cluster IP %s", service.Spec.ClusterIP)
	}
	deployment, err := client.AppsV1().Deployments("kube-system").Get(t.Context(), "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
		t.Errorf("the Service selects %v, and the Pod has the labels %v", service.Spec.Selector, pod.Labels)
	}
	if image := pod.Spec.Containers[0].Image; image != config.Image {
		t.Errorf("the Pod runs %s", image)
	}
	volume := pod.Spec.Volumes[0].ConfigMap.Name
	corefile, err := client.CoreV1().ConfigMaps("kube-system").Get(t.Context(), volume, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if text := corefile.Data["Corefile"]; !strings.Contains(text, "kubernetes lab.local in-addr.arpa") || strings.Contains(text, "%!") {
		t.Errorf("Corefile:\n%s", text)
	}
	binding, err := client.RbacV1().ClusterRoleBindings().Get(t.Context(), "system:coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if account := binding.Subjects[0].Name; account != pod.Spec.ServiceAccountName {
		t.Errorf("the role is bound to %s, and the Pod is %s", account, pod.Spec.ServiceAccountName)
	}
}

func TestDeployNamesWhatFailed(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	if err := clusterdns.Deploy(t.Context(), client, clusterdns.Config{Domain: "cluster.local"}); err != nil {
		t.Fatal(err)
	}
	err := clusterdns.Deploy(t.Context(), client, clusterdns.Config{Domain: "cluster.local"})
	if err == nil || !strings.Contains(err.Error(), "creating the Service of the cluster's DNS server") {
		t.Errorf("the second time: %v", err)
	}
}
