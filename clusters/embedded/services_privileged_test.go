//go:build privileged

package embedded_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

const backends = "testbed.local/backends:dev"

// services is a cluster with a client of its API server and the image of the backends.
type services struct {
	*testing.T
	cluster *embedded.Cluster
	client  kubernetes.Interface
}

func newServices(t *testing.T, name string) services {
	t.Helper()
	cluster := create(t, name)
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.LoadImage(t.Context(), filepath.Join(binaries, "images", "backends.tar")); err != nil {
		t.Fatal(err)
	}
	return services{t, cluster, kubernetes.NewForConfigOrDie(config)}
}

// pod runs the backends with arguments on a node.
func (s services) pod(name, node string, change func(*corev1.PodSpec), args ...string) {
	s.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{
			NodeName: node, RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{Name: "c", Image: backends, ImagePullPolicy: corev1.PullNever, Args: args}},
		},
	}
	if change != nil {
		change(&pod.Spec)
	}
	if _, err := s.client.CoreV1().Pods("default").Create(s.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
}

// output waits until a Pod has ended, and returns whether it succeeded and its log.
func (s services) output(name string) (succeeded bool, log string) {
	s.Helper()
	eventually(s.T, "Pod "+name+" ends", func() bool {
		pod, err := s.client.CoreV1().Pods("default").Get(s.Context(), name, metav1.GetOptions{})
		if err != nil {
			s.Fatal(err)
		}
		succeeded = pod.Status.Phase == corev1.PodSucceeded
		return succeeded || pod.Status.Phase == corev1.PodFailed
	})
	raw, err := s.client.CoreV1().Pods("default").GetLogs(name, &corev1.PodLogOptions{}).DoRaw(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return succeeded, string(raw)
}

// service creates a Service for a Pod, port 80 to its port 8080.
func (s services) service(name, pod string, change func(*corev1.ServiceSpec)) {
	s.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": pod}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	service.Spec.Ports[0].TargetPort.IntVal = 8080
	if change != nil {
		change(&service.Spec)
	}
	if _, err := s.client.CoreV1().Services("default").Create(s.Context(), service, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
}

// balancer waits until a Service has the address of a load balancer that a node announces, and returns both.
func (s services) balancer(name string) (address netip.Addr, node string) {
	s.Helper()
	eventually(s.T, "a node announces the load balancer of "+name, func() bool {
		service, err := s.client.CoreV1().Services("default").Get(s.Context(), name, metav1.GetOptions{})
		if err != nil {
			s.Fatal(err)
		}
		if len(service.Status.LoadBalancer.Ingress) == 0 {
			return false
		}
		address = netip.MustParseAddr(service.Status.LoadBalancer.Ingress[0].IP)
		node, err = s.cluster.AnnouncingNode(s.Context(), address)
		return err == nil && node != ""
	})
	return address, node
}

// exclude sets the value, as JSON, of the label that excludes a node from load balancers.
func (s services) exclude(node, value string) {
	s.Helper()
	patch := []byte(`{"metadata":{"labels":{"node.kubernetes.io/exclude-from-external-load-balancers":` + value + `}}}`)
	if _, err := s.client.CoreV1().Nodes().Patch(s.Context(), node, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		s.Fatal(err)
	}
}

// get makes a request from the client outside, until one succeeds, and returns the body.
func (s services) get(url string) (body string) {
	s.Helper()
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{DialContext: s.cluster.Client().DialContext, DisableKeepAlives: true},
	}
	eventually(s.T, "the client reaches "+url, func() bool {
		response, err := client.Get(url)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		raw, err := io.ReadAll(response.Body)
		body = string(raw)
		return err == nil && response.StatusCode == http.StatusOK
	})
	return body
}

func testLoadBalancers(s services) {
	loadBalancer := func(spec *corev1.ServiceSpec) { spec.Type = corev1.ServiceTypeLoadBalancer }
	s.pod("echo", "k3s-w1", nil, "echo")
	s.service("echo", "echo", func(spec *corev1.ServiceSpec) {
		loadBalancer(spec)
		spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	})
	address, node := s.balancer("echo")
	if node != "k3s-w1" {
		s.Errorf("%s announces %s; only k3s-w1 has an endpoint", node, address)
	}
	if body := s.get("http://" + address.String()); !strings.Contains(body, "client_address="+s.cluster.Client().Addr().String()) {
		s.Errorf("the Pod doesn't see the client's address:\n%s", body)
	}

	s.Run("other ports are refused at once", func(t *testing.T) {
		err := dial(t, s.cluster, "client", net.JoinHostPort(address.String(), "81"))
		if !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("got %v, want that the network is unreachable", err)
		}
	})

	s.Run("a requested address", func(t *testing.T) {
		s.service("requested", "echo", func(spec *corev1.ServiceSpec) {
			loadBalancer(spec)
			spec.LoadBalancerIP = "3.35.217.250" //nolint:staticcheck // deprecated, and still what users write
		})
		if got, _ := s.balancer("requested"); got.String() != "3.35.217.250" {
			t.Errorf("got %s", got)
		}
		s.get("http://3.35.217.250")
	})

	s.Run("no node announces it without endpoints, and it comes back with them", func(t *testing.T) {
		zero := int64(0)
		if err := s.client.CoreV1().Pods("default").Delete(t.Context(), "echo", metav1.DeleteOptions{GracePeriodSeconds: &zero}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no node announces "+address.String(), func() bool {
			node, err := s.cluster.AnnouncingNode(t.Context(), address)
			return err == nil && node == ""
		})
		s.pod("again", "k3s-s", func(spec *corev1.PodSpec) { spec.Hostname = "again" }, "echo")
		patch := []byte(`{"metadata":{"labels":{"app":"echo"}}}`)
		if _, err := s.client.CoreV1().Pods("default").Patch(t.Context(), "again", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		s.get("http://" + address.String())
		if _, node := s.balancer("echo"); node != "k3s-s" {
			t.Errorf("%s announces it, want k3s-s", node)
		}
	})

	s.Run("no excluded node announces", func(t *testing.T) {
		s.service("everywhere", "echo", loadBalancer)
		address, before := s.balancer("everywhere")
		s.exclude(before, `""`)
		var after string
		eventually(t, "another node than "+before+" announces "+address.String(), func() bool {
			var err error
			after, err = s.cluster.AnnouncingNode(t.Context(), address)
			return err == nil && after != "" && after != before
		})
		s.get("http://" + address.String())
		s.exclude(before, "null")
	})

	s.Run("a node that was cut off works again", func(t *testing.T) {
		if _, err := s.cluster.Disconnect(t.Context(), "k3s-s"); err == nil || !strings.Contains(err.Error(), "control plane") {
			t.Errorf("disconnecting the control plane: %v", err)
		}
		reconnect, err := s.cluster.Disconnect(t.Context(), "k3s-w1")
		if err != nil {
			t.Fatal(err)
		}
		if err := dial(t, s.cluster, "k3s-s", "192.168.10.101:10250"); err == nil {
			t.Error("k3s-w1 can be reached without a cable")
		}
		if err := reconnect(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		s.pod("after", "k3s-w1", nil, "get", "http://"+address.String())
		if succeeded, log := s.output("after"); !succeeded {
			t.Errorf("a Pod on k3s-w1: %s", log)
		}
	})

	s.Run("the address is free when the Service is gone", func(t *testing.T) {
		if err := s.client.CoreV1().Services("default").Delete(t.Context(), "echo", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no node announces "+address.String(), func() bool {
			node, err := s.cluster.AnnouncingNode(t.Context(), address)
			return err == nil && node == ""
		})
		s.service("next", "echo", loadBalancer)
		if got, _ := s.balancer("next"); got != address {
			t.Errorf("the next Service has the address %s, want %s", got, address)
		}
	})
}

func testDNS(s services) {
	s.pod("named", "k3s-w1", nil, "echo")
	s.service("named", "named", nil)
	s.service("outside", "", func(spec *corev1.ServiceSpec) {
		spec.Type, spec.ExternalName, spec.Selector = corev1.ServiceTypeExternalName, "named.default.svc.cluster.local", nil
	})
	cluster := &corev1.PodDNSConfig{Nameservers: []string{"10.10.200.10"}}
	eventually(s.T, "k3s-w1 reaches the DNS server", func() bool { return dial(s.T, s.cluster, "k3s-w1", "10.10.200.10:53") == nil })
	eventually(s.T, "the echo server is ready", func() bool {
		pod, err := s.client.CoreV1().Pods("default").Get(s.Context(), "named", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning
	})
	for _, tc := range []struct {
		name, url string
		change    func(*corev1.PodSpec)
		want      string // in the output; the Pod succeeds if it is that of the echo server
	}{
		{"short", "http://named", nil, "Hostname: named"},
		{"full", "http://named.default.svc.cluster.local", nil, "Hostname: named"},
		{"external", "http://outside", nil, "Hostname: named"},
		{"missing", "http://nowhere", nil, "no such host"},
		{"internet", "http://example.com", nil, "no such host"},
		{"host-network", "http://named", func(p *corev1.PodSpec) { p.HostNetwork = true }, "lookup named"},
		{"host-cluster", "http://named", func(p *corev1.PodSpec) {
			p.HostNetwork, p.DNSPolicy = true, corev1.DNSClusterFirstWithHostNet
		}, "Hostname: named"},
		{"default", "http://named.default.svc.cluster.local", func(p *corev1.PodSpec) { p.DNSPolicy = corev1.DNSDefault }, "lookup named"},
		{"none", "http://named.default.svc.cluster.local", func(p *corev1.PodSpec) {
			p.DNSPolicy, p.DNSConfig = corev1.DNSNone, cluster
		}, "Hostname: named"},
		{"none-short", "http://named", func(p *corev1.PodSpec) { p.DNSPolicy, p.DNSConfig = corev1.DNSNone, cluster }, "lookup named"},
	} {
		s.Run(tc.name, func(t *testing.T) {
			s := services{t, s.cluster, s.client}
			start := time.Now()
			s.pod(tc.name, "k3s-w1", tc.change, "get", tc.url)
			succeeded, log := s.output(tc.name)
			if !strings.Contains(log, tc.want) || succeeded != strings.HasPrefix(tc.want, "Hostname") {
				t.Errorf("the Pod printed %q after %s, want %q", log, time.Since(start), tc.want)
			}
		})
	}
}
