package kubeconfig

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/ingress-testbed/testbed/clusters"
)

// file writes a kubeconfig with a context "one" for the server.
func file(t *testing.T, server, current string) string {
	t.Helper()
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: server}
	config.Clusters["secret"] = &api.Cluster{Server: "https://secret.test"}
	config.AuthInfos["u"] = &api.AuthInfo{Token: "t"}
	config.Contexts["one"] = &api.Context{Cluster: "c", AuthInfo: "u", Namespace: "theirs"}
	config.Contexts["two"] = &api.Context{Cluster: "secret", AuthInfo: "u"}
	config.CurrentContext = current
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInvalidKubeconfig(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("clusters: 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"none":              {Config{}, "set KUBECONFIG or give --kubeconfig"},
		"missing":           {Config{Kubeconfig: "/nowhere"}, "KUBECONFIG or --kubeconfig: stat /nowhere"},
		"broken":            {Config{Kubeconfig: broken}, "KUBECONFIG or --kubeconfig: error loading config"},
		"no context chosen": {Config{Kubeconfig: file(t, "https://127.0.0.1:1", "")}, "--context; there are one, two"},
		"unknown context":   {Config{Kubeconfig: file(t, "https://127.0.0.1:1", "one"), Context: "three"}, `no context "three"; there are one, two`},
		"no answer":         {Config{Kubeconfig: file(t, "http://127.0.0.1:1", "one")}, `context "one" doesn't respond at http://127.0.0.1:1`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.config.open(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

func TestTheRunsKubeconfigHasTheContextAlone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	defer server.Close()
	path := file(t, server.URL, "one")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Config{Kubeconfig: path}.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	private, err := opened.writePrivate(t.TempDir(), "testbed-x")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "namespace: testbed-x") || strings.Contains(string(text), "secret.test") {
		t.Errorf("the kubeconfig is\n%s", text)
	}
	if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the user's kubeconfig was changed: %v", err)
	}
}

func TestValidate(t *testing.T) {
	for _, config := range []Config{
		{Run: ""}, {Run: "Not A Name"}, {Run: "x", Reach: "magic"}, {Run: "x", ImageRegistry: "a b"}, {Run: "x", ImageRegistry: "registry.test/"},
	} {
		if err := config.Validate(); err == nil {
			t.Errorf("no error for %+v", config)
		}
	}
	if err := (Config{Run: NewRun(), Reach: clusters.ReachPortForward, ImageRegistry: "registry.test:5000/x"}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestMissingRightsAreNamed(t *testing.T) {
	clientset := fake.NewClientset()
	clientset.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview).DeepCopy()
		review.Status.Allowed = review.Spec.ResourceAttributes.Resource != "clusterroles"
		return true, review, nil
	})
	err := Config{}.checkRights(t.Context(), clientset, "one")
	if err == nil || !strings.Contains(err.Error(), "may not create clusterroles") || strings.Contains(err.Error(), "namespaces,") {
		t.Errorf("error %v", err)
	}
	// Judging a controller that is there takes no rights to install one.
	judging := Config{Controller: types.NamespacedName{Namespace: "traefik", Name: "traefik"}}
	if err := judging.checkRights(t.Context(), clientset, "one"); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestMissingImages(t *testing.T) {
	node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
	node.Status.Images = []corev1.ContainerImage{{Names: []string{"testbed.local/controller:dev"}}}
	images := Config{}.images()
	if got := missingOn(node, images); len(got) != 2 || got[0] != "testbed.local/backends:dev on n" {
		t.Errorf("missing %q", got)
	}
	judging := Config{Controller: types.NamespacedName{Namespace: "traefik", Name: "traefik"}}.images()
	other := corev1.Node{Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{"registry.k8s.io/pause:3.10"}}}}}
	if got := missingOn(other, judging); len(got) != 2 || strings.Contains(strings.Join(got, " "), "controller:dev") {
		t.Errorf("a controller that is there needs %q", got)
	}
	if got := missingOn(corev1.Node{}, images); len(got) != 0 {
		t.Errorf("a node that tells of no image lacks %q", got)
	}
	for len(node.Status.Images) < listedImages {
		node.Status.Images = append(node.Status.Images, corev1.ContainerImage{})
	}
	if got := missingOn(node, images); len(got) != 0 {
		t.Errorf("a node whose list is full lacks %q", got)
	}
}

func TestServicesAreFoundByTheirPorts(t *testing.T) {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s"}}
	service.Spec.ClusterIP = "10.10.200.7"
	service.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80, NodePort: 30080, TargetPort: intstr.FromString("web")}}
	found := services{fake.NewClientset(service, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "none"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	})}
	got, port, err := found.find(t.Context(), "192.0.2.1:30080")
	if err != nil || got.Name != "s" || port.Port != 80 {
		t.Errorf("got %v, %v, %v", got, port, err)
	}
	if got, _, err := found.find(t.Context(), "10.10.200.7:80"); err != nil || got.Name != "s" {
		t.Errorf("by its cluster IP: %v, %v", got, err)
	}
	for _, address := range []string{"192.0.2.1:80", "10.10.200.7:81", "192.0.2.1:0", "192.0.2.1", ":80", "192.0.2.1:http", ""} {
		if _, _, err := found.find(t.Context(), address); err == nil {
			t.Errorf("%q was found", address)
		}
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}}}}}}
	if number, err := containerPort(pod, port); err != nil || number != 8080 {
		t.Errorf("port %d, %v", number, err)
	}
	port.TargetPort = intstr.FromString("other")
	if _, err := containerPort(pod, port); err == nil {
		t.Error("a port that the Pod doesn't have was found")
	}
}

func TestLoadBalancersAreDialled(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "s"}}
	service.Spec.Type = corev1.ServiceTypeLoadBalancer
	service.Spec.Ports = []corev1.ServicePort{{Port: int32(listener.Addr().(*net.TCPAddr).Port), NodePort: 30080}}
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "127.0.0.1"}}
	clientset := fake.NewClientset(service)
	if there, err := hasLoadBalancers(t.Context(), clientset); err != nil || !there {
		t.Errorf("there are load balancers: %v, %v", there, err)
	}
	client := &balanced{services: services{clientset}}
	conn, err := client.DialContext(t.Context(), "tcp", "10.0.0.1:30080")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if client.Addr().IsValid() {
		t.Error("the client's address is not known behind a load balancer")
	}
}

func TestTheClientsAddress(t *testing.T) {
	given := netip.MustParseAddr("198.51.100.7")
	got, err := Config{ClientAddress: given}.clientAddress(t.Context(), netip.MustParseAddr("127.0.0.1"))
	if err != nil || got != given {
		t.Errorf("got %s, %v", got, err)
	}
	if !responds(context.Background(), netip.MustParseAddr("127.0.0.1")) {
		t.Error("this machine, which refuses or takes connections, counts as out of reach")
	}
}

// A controller that is there is reached the way that its own Service allows.
func TestTheWayToAnInstalledController(t *testing.T) {
	loopback := []clusters.Node{{Name: "n", InternalIP: netip.MustParseAddr("127.0.0.1")}}
	for name, test := range map[string]struct {
		reach   clusters.Reach
		service func(*corev1.Service)
		want    clusters.Reach
		problem string
	}{
		"node ports": {"", func(s *corev1.Service) { s.Spec.Ports[0].NodePort = 30080 }, clusters.ReachNodePort, ""},
		"a load balancer": {"", func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.9"}}
		}, clusters.ReachLoadBalancer, ""},
		"neither":                     {"", func(*corev1.Service) {}, clusters.ReachPortForward, ""},
		"not by what others have":     {clusters.ReachPortForward, func(s *corev1.Service) { s.Spec.Ports[0].NodePort = 30080 }, clusters.ReachPortForward, ""},
		"a Service that is not there": {"", func(s *corev1.Service) { s.Name = "other" }, "", "no Service traefik/traefik"},
	} {
		t.Run(name, func(t *testing.T) {
			service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "traefik", Name: "traefik"}}
			service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
			test.service(service)
			balanced := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: "other-with-balancer"}}
			balanced.Spec.Type = corev1.ServiceTypeLoadBalancer
			balanced.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.8"}}
			config := Config{Reach: test.reach, Controller: types.NamespacedName{Namespace: "traefik", Name: "traefik"}}
			found, err := config.findRoute(t.Context(), &access{clientset: fake.NewClientset(service, balanced), rest: &rest.Config{}}, loopback)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || found.reach != test.want {
				t.Errorf("the way is %q, %v", found.reach, err)
			}
		})
	}
}

// The addresses of an embedded cluster's nodes don't exist outside of it, whoever responds there.
func TestAnEmbeddedClusterIsReachedThroughItsAPIServer(t *testing.T) {
	loopback := []clusters.Node{{Name: "n", ExternalIP: netip.MustParseAddr("127.0.0.1")}}
	for runtime, want := range map[string]clusters.Reach{"testbed://1.37.2": clusters.ReachPortForward, "containerd://2.2.0": clusters.ReachNodePort} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
		node.Status.NodeInfo.ContainerRuntimeVersion = runtime
		found, err := Config{}.findRoute(t.Context(), &access{clientset: fake.NewClientset(node), rest: &rest.Config{}}, loopback)
		if err != nil || found.reach != want {
			t.Errorf("with the container runtime %s, the way is %q, %v; want %q", runtime, found.reach, err, want)
		}
	}
}
