//go:build privileged

package embedded_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

// testNodes checks what Kubernetes' own end-to-end tests, and ingress controllers, expect of nodes. No other Pods may run on them.
func testNodes(t *testing.T, n nodes) {
	if err := n.cluster.LoadImage(t.Context(), packTest(t)); err != nil {
		t.Fatal(err)
	}
	t.Run("hostPort", n.hostPort)
	t.Run("rejected Pods", n.rejected)
	t.Run("connection tracking", n.conntrack)
	t.Run("name servers", n.nameServers)
	t.Run("kubelet's API", n.kubeletAPI)
	t.Run("API aggregation", n.aggregation)
}

type nodes struct {
	cluster *embedded.Cluster
	client  kubernetes.Interface
}

// echo is a Pod that answers HTTP requests on port 8080.
func echo(name, node string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Name: "echo", Image: "testbed.local/backends:dev", Args: []string{"echo"},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/"}}},
		}}},
	}
}

func (n nodes) create(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	pods := n.client.CoreV1().Pods(metav1.NamespaceDefault)
	if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := pods.Delete(context.Background(), pod.Name, *metav1.NewDeleteOptions(0))
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
}

func (n nodes) await(t *testing.T, name, what string, is func(corev1.PodStatus) bool) corev1.PodStatus {
	t.Helper()
	var last corev1.PodStatus
	eventually(t, name+" is "+what, func() bool {
		pod, err := n.client.CoreV1().Pods(metav1.NamespaceDefault).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		last = pod.Status
		return is(last)
	})
	return last
}

func ready(s corev1.PodStatus) bool {
	for _, c := range s.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// get sends a request from a machine.
func (n nodes) get(t *testing.T, machine, url string) string {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return n.cluster.DialFrom(ctx, machine, network, address)
		},
	}}
	reply, err := client.Get(url)
	if err != nil {
		t.Errorf("%s from %s: %v", url, machine, err)
		return ""
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

// run runs a command on a machine and returns its output.
func (n nodes) run(t *testing.T, machine string, command ...string) string {
	t.Helper()
	return n.testbed(t, append([]string{"shell", "--name", n.cluster.Name(), machine, "--"}, command...)...)
}

// testbed runs the testbed program.
func (n nodes) testbed(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "testbed"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("testbed %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (n nodes) hostPort(t *testing.T) {
	pod := echo("host-port", "k3s-w1")
	pod.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.IntVal = 8080
	pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 80}, {ContainerPort: 8080, HostPort: 8443, HostIP: "127.0.0.1"}}
	n.create(t, pod)
	n.await(t, pod.Name, "ready", ready)
	for machine, url := range map[string]string{
		"client": "http://3.35.217.40/", "k3s-s": "http://192.168.10.101/", "k3s-w1": "http://127.0.0.1:8443/",
	} {
		body := n.get(t, machine, url)
		if !strings.Contains(body, "host-port") {
			t.Errorf("%s from %s: %q", url, machine, body)
		}
		if machine == "client" && !strings.Contains(body, "client_address=175.116.31.155") {
			t.Errorf("the client's address was replaced: %q", body)
		}
	}
	pods := n.client.CoreV1().Pods(metav1.NamespaceDefault)
	if err := pods.Delete(t.Context(), pod.Name, *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the port is closed with its Pod", func() bool { return dial(t, n.cluster, "client", "3.35.217.40:80") != nil })
}

func (n nodes) rejected(t *testing.T) {
	large := echo("large", "k3s-w1")
	large.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("64")}
	elsewhere := echo("elsewhere", "k3s-w1")
	elsewhere.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "k3s-s"}
	holder, rival := echo("holder", "k3s-w1"), echo("rival", "k3s-w1")
	for _, pod := range []*corev1.Pod{holder, rival} {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 8081}}
		pod.Spec.Containers[0].ReadinessProbe = nil
	}
	for _, c := range []struct {
		pod             *corev1.Pod
		reason, message string
	}{
		{large, "OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu, requested: 64000"},
		{elsewhere, "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed"},
		{holder, "", ""},
		{rival, "NodePorts", "Pod was rejected: Predicate NodePorts failed"},
	} {
		if probe := c.pod.Spec.Containers[0].ReadinessProbe; probe != nil {
			probe.HTTPGet.Port.IntVal = 8080
		}
		n.create(t, c.pod)
		if c.reason == "" {
			n.await(t, c.pod.Name, "ready", ready)
			continue
		}
		s := n.await(t, c.pod.Name, "failed", func(s corev1.PodStatus) bool { return s.Phase == corev1.PodFailed })
		if s.Reason != c.reason || !strings.HasPrefix(s.Message, c.message) {
			t.Errorf("%s: %s, %q", c.pod.Name, s.Reason, s.Message)
		}
	}
}

func (n nodes) conntrack(t *testing.T) {
	for name, want := range map[string]string{
		"nf_conntrack_tcp_timeout_close_wait": "3600", "nf_conntrack_tcp_timeout_established": "86400",
	} {
		path := "/proc/sys/net/netfilter/" + name
		eventually(t, name+" is "+want, func() bool { return strings.TrimSpace(n.run(t, "k3s-w1", "cat", path)) == want })
	}
}

func (n nodes) nameServers(t *testing.T) {
	if text := n.run(t, "k3s-w1", "cat", "/etc/resolv.conf"); strings.Contains(text, "nameserver") {
		t.Errorf("name servers of the host: %s", text)
	}
}

func (n nodes) kubeletAPI(t *testing.T) {
	pod := echo("measured", "k3s-w1")
	pod.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.IntVal = 8080
	n.create(t, pod)
	n.await(t, pod.Name, "ready", ready)
	for path, want := range map[string]string{
		"metrics":          "kubelet_running_pods 1",
		"metrics/resource": `container_memory_working_set_bytes{container="echo",namespace="default",pod="measured"}`,
		"stats/summary":    `"podRef":{"name":"measured","namespace":"default"`,
		"runningpods/":     `"name":"measured"`,
		"configz":          `"clusterDomain":"cluster.local"`,
		"logs/pods/":       "default_measured_",
	} {
		raw, err := n.client.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/k3s-w1/proxy/" + path).DoRaw(t.Context())
		if err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("%s: %v, without %q:\n%.500s", path, err, want, raw)
		}
	}
}

// aggregation registers an API that is served by a Pod. The API server has to prove its identity to it and name the user.
func (n nodes) aggregation(t *testing.T) {
	authentication, err := n.client.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "extension-apiserver-authentication", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "aggregated", Labels: map[string]string{"app": "aggregated"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "api", Image: testImage, Args: []string{aggregatedAPI},
			Env:            []corev1.EnvVar{{Name: "CLIENT_CA", Value: authentication.Data["requestheader-client-ca-file"]}},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(aggregatedPort)}}},
		}}},
	}
	n.create(t, pod)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "aggregated"},
		Spec: corev1.ServiceSpec{
			Selector: pod.Labels, Ports: []corev1.ServicePort{{Port: 443, TargetPort: intstr.FromInt32(aggregatedPort)}},
		},
	}
	if _, err := n.client.CoreV1().Services(metav1.NamespaceDefault).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	n.await(t, pod.Name, "ready", ready)
	const registration = `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.test.example"},` +
		`"spec":{"group":"test.example","version":"v1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,` +
		`"service":{"namespace":"default","name":"aggregated"}}}`
	api := n.client.CoreV1().RESTClient()
	if err := api.Post().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices").SetHeader("Content-Type", "application/json").
		Body([]byte(registration)).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	var reply []byte
	eventually(t, "the API is available", func() bool {
		reply, err = api.Get().AbsPath("/apis/test.example/v1/whoami").DoRaw(t.Context())
		return err == nil
	})
	if want := "admin by front-proxy-client"; string(reply) != want {
		t.Errorf("the request came from %q, want %q", reply, want)
	}
}
