package definitions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// loopback is a cluster that consists of the real proxy and the real backends on the loopback interface, and of an API
// server in memory with the Pods that represent them.
type loopback struct {
	clientset *fake.Clientset
	dynamic   *dynamicfake.FakeDynamicClient
	table     *route.Table
	addresses map[string]string // listening addresses of the proxy, by the address that the client connects to
	pcap      map[string][]byte // captures by the name of the Pod or node
	commands  string            // folder with the outputs of kubectl by its arguments
	releases  helm.Releases     // nil if no scenario uses Helm
	// admitted reports whether an Ingress gets an address.
	admitted func(name string) bool
}

const (
	nodeAddress   = "192.0.2.10"
	workerAddress = "192.0.2.11"
)

// newLoopback starts the backends and a proxy with the fault.
func newLoopback(t *testing.T, fault proxytest.Mutation) *loopback {
	t.Helper()
	l := &loopback{clientset: fake.NewClientset(), table: &route.Table{}, pcap: map[string][]byte{}, commands: t.TempDir()}
	l.admitted = func(string) bool { return true }
	l.dynamic = newDynamic(l)
	l.workload(t, "web", 1, func(string) http.Handler { return backends.Web() })
	l.workload(t, "guest", 2, func(pod string) http.Handler { return backends.Guest(pod, "1") })
	l.workload(t, "echo", 3, func(pod string) http.Handler { return backends.Echo(pod, "nginx: 1.13.0 - lua: 10008") })
	l.workload(t, "next", 3, func(pod string) http.Handler { return backends.Echo(pod, "nginx: 1.13.1 - lua: 10008") })

	l.workload(t, "probe", 1, backends.Probe)

	to := func(path, upstream string) route.Route {
		return route.Route{Match: route.PrefixPath(path), Action: route.To(upstream)}
	}
	forward := route.To("echo")
	forward.Canary = &route.Canary{Backend: route.Backend{Upstream: "next"}, Weight: 10}
	canary := route.Route{Match: route.PrefixPath("/"), Action: forward}
	l.table.Hosts = []route.Host{
		{Name: "paths.test", Routes: []route.Route{to("/", "web"), to("/guest", "guest"), to("/admin", "echo"), to("/websocket", "probe"), to("/status", "probe")}},
		{Name: "gyull.com", Routes: []route.Route{to("/", "echo")}},
		{Name: "*.gyull.com", Routes: []route.Route{to("/echo", "echo")}},
		{Name: "canary.test", Routes: []route.Route{canary}},
	}
	pair, err := certificates.SelfSigned("gyull.com")
	if err != nil {
		t.Fatal(err)
	}
	l.table.Certificates = []route.Certificate{{Hosts: []string{"gyull.com"}, ChainPEM: pair.Certificate, KeyPEM: pair.Key}}
	l.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "secret-https"},
		Data:       map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key},
	})
	plain, secure := serve(t, fault, l.table)
	l.addresses = map[string]string{nodeAddress + ":30080": plain, nodeAddress + ":30443": secure}
	l.pod(t, "ingress", "controller-0", "controller")
	l.create(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "controller"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, NodePort: 30080}, {Name: "https", Port: 443, NodePort: 30443},
		}},
	})
	return l
}

// serve runs the proxy until the test ends.
func serve(t *testing.T, fault proxytest.Mutation, table *route.Table) (plain, secure string) {
	t.Helper()
	server, err := proxy.New(fault.Config(proxy.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	if problems := server.Apply(fault.Table(table)); len(problems) > 0 {
		t.Fatal(problems)
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, fault.Listener(listeners[0], table), listeners[1]) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listeners[0].Addr().String(), listeners[1].Addr().String()
}

// workload starts servers, creates the Deployment and the Pods that represent them, and adds an upstream.
func (l *loopback) workload(t *testing.T, name string, replicas int, handler func(pod string) http.Handler) {
	t.Helper()
	upstream := route.Upstream{Name: name}
	for i := range replicas {
		pod := fmt.Sprintf("%s-pod-%c", name, 'a'+i)
		server := httptest.NewServer(handler(pod))
		t.Cleanup(server.Close)
		upstream.Endpoints = append(upstream.Endpoints, route.Endpoint{Address: netip.MustParseAddrPort(server.Listener.Addr().String())})
		l.pod(t, "default", pod, name)
	}
	l.table.Upstreams = append(l.table.Upstreams, upstream)
	l.create(t, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}},
	})
}

func (l *loopback) pod(t *testing.T, namespace, name, app string) {
	t.Helper()
	l.create(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{NodeName: "node-1"},
		Status: corev1.PodStatus{
			PodIP: "127.0.0.1", Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	})
}

func (l *loopback) create(t *testing.T, object runtime.Object) {
	t.Helper()
	if err := l.clientset.Tracker().Add(object); err != nil {
		t.Fatal(err)
	}
}

// newDynamic returns a client whose server applies objects and immediately publishes an address for Ingresses that are
// admitted. Secrets are also visible to the other client.
func newDynamic(l *loopback) *dynamicfake.FakeDynamicClient {
	clientset := l.clientset
	client := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())
	client.PrependReactor("patch", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patch, ok := action.(clienttesting.PatchAction)
		if !ok || patch.GetPatchType() != types.ApplyPatchType {
			return false, nil, nil
		}
		object := &unstructured.Unstructured{}
		if err := json.Unmarshal(patch.GetPatch(), &object.Object); err != nil {
			return true, nil, err
		}
		object.SetUID(types.UID(objects.Name(object)))
		object.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "ingress-testbed", Operation: metav1.ManagedFieldsOperationApply}})
		if object.GetKind() == "Ingress" && l.admitted(object.GetName()) {
			object.Object["status"] = map[string]any{"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": nodeAddress}}}}
		}
		resource, namespace := action.GetResource(), action.GetNamespace()
		if object.GetKind() == "Secret" {
			var secret corev1.Secret
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &secret); err != nil {
				return true, nil, err
			}
			_ = clientset.Tracker().Delete(resource, namespace, object.GetName())
			if err := clientset.Tracker().Add(&secret); err != nil {
				return true, nil, err
			}
		}
		_ = client.Tracker().Delete(resource, namespace, object.GetName())
		return true, object, client.Tracker().Create(resource, object, namespace)
	})
	return client
}

func mapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, meta.RESTScopeNamespace)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, meta.RESTScopeNamespace)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, meta.RESTScopeRoot)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Service"}, meta.RESTScopeNamespace)
	mapper.Add(networkingv1.SchemeGroupVersion.WithKind("Ingress"), meta.RESTScopeNamespace)
	return mapper
}

// environment returns an environment for scenarios.
func (l *loopback) environment(t *testing.T) *steps.Environment {
	t.Helper()
	script := filepath.Join(l.commands, "kubectl")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec cat \"$(dirname \"$0\")/$*\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cluster := l.subjectCluster(t)
	return &steps.Environment{
		Cluster: l, Nodes: cluster.Nodes, Objects: cluster.Objects, ArtefactDir: t.TempDir(),
		Kubectl:    kubectl.Program{Command: []string{script}},
		Controller: subject.NewDeployed(cluster, loopbackSource{}),
	}
}

// subjectCluster is the cluster as a controller sees it.
func (l *loopback) subjectCluster(t *testing.T) subject.Cluster {
	t.Helper()
	all, err := l.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return subject.Cluster{
		Objects: &objects.API{Workloads: objects.Workloads{Clientset: l.clientset}, Dynamic: l.dynamic, Mapper: mapper()}, Nodes: all, Client: l, Releases: l.releases,
	}
}

// loopbackSource renders a controller that consists of a ConfigMap.
type loopbackSource struct{}

func (loopbackSource) Description() string { return "loopback" }

func (loopbackSource) Render(map[string]string) (subject.Installation, error) {
	return subject.Installation{
		Objects: []*unstructured.Unstructured{{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "controller", "namespace": "ingress"},
		}}},
		Namespace: "ingress", Service: "controller", Selector: "app=controller",
	}, nil
}

func (s loopbackSource) RenderRelease(_ charts.Release, values map[string]any) (subject.Installation, map[string]any, error) {
	installation, err := s.Render(nil)
	return installation, values, err
}

// The methods of clusters.Cluster.

func (l *loopback) Name() string       { return "loopback" }
func (l *loopback) Kubeconfig() string { return "" }
func (l *loopback) Nodes(context.Context) ([]clusters.Node, error) {
	return []clusters.Node{
		{
			Name: "node-1", InternalIP: netip.MustParseAddr("10.0.0.1"), ExternalIP: netip.MustParseAddr(nodeAddress),
			Masquerade: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.9.9.9")},
		},
		{Name: "node-2", InternalIP: netip.MustParseAddr("10.0.0.2"), ExternalIP: netip.MustParseAddr(workerAddress)},
	}, nil
}
func (l *loopback) Client() clusters.Client                  { return l }
func (l *loopback) Access() clusters.Access                  { return clusters.DirectAccess(l.Client()) }
func (l *loopback) LoadImage(context.Context, string) error  { return nil }
func (l *loopback) ExportLogs(context.Context, string) error { return nil }
func (l *loopback) Destroy(context.Context) error            { return nil }
func (l *loopback) Addr() netip.Addr                         { return netip.MustParseAddr("127.0.0.1") }
func (l *loopback) Capture(_ context.Context, target clusters.CaptureTarget) (io.ReadCloser, error) {
	stream, ok := l.pcap[target.Pod+target.Node]
	if !ok {
		return nil, fmt.Errorf("capturing is not supported: %w", clusters.ErrUnsupported)
	}
	return io.NopCloser(bytes.NewReader(stream)), nil
}

func (l *loopback) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	target, ok := l.addresses[address]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("no route to " + address)}
	}
	return (&net.Dialer{}).DialContext(ctx, network, target)
}
