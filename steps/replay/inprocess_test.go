package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/send"
	"github.com/ingress-testbed/testbed/steps/replay/setup"
)

const (
	class         = "nginx"
	namespace     = "replay"
	clientAddress = "127.0.0.1"
	clientNetwork = "127.0.0.0/8"
)

// inProcess is the controller's translation and the proxy in this process. Each case has a proxy and backends of its own, so
// that all cases can run at the same time.
type inProcess struct {
	mode    compatibility.Mode
	whole   *record.Record
	setup   *setup.Setup
	secrets *setup.Secrets
	// began gets the objects and the backends of a case; nil does not.
	began func(store, *network)
}

func newInProcess(whole *record.Record, mode compatibility.Mode) (*inProcess, error) {
	parsed, err := setup.Parse(whole.Setup)
	if err != nil {
		return nil, err
	}
	secrets, err := setup.NewSecrets(whole)
	if err != nil {
		return nil, err
	}
	return &inProcess{mode: mode, whole: whole, setup: parsed, secrets: secrets}, nil
}

// Begin implements replay.Target.
func (p *inProcess) Begin(ctx context.Context, one *record.Case) (session *replay.Session, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	end := func(context.Context) error {
		cancel()
		return group.Wait()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, end(ctx))
		}
	}()
	network := &network{listeners: map[string]string{}, handlers: map[string]http.Handler{}, deployments: map[string]string{}}
	pods, err := p.startBackends(ctx, group, network)
	if err != nil {
		return nil, err
	}
	bindings := record.Bindings{
		"class": class, "namespace": namespace, "client address": clientAddress, "client network": clientNetwork,
	}
	store, err := p.newStore(pods, bindings)
	if err != nil {
		return nil, err
	}
	p.bindClusterIPs(bindings, network, pods)
	admitted, err := admit(one, store, bindings)
	if err != nil {
		return nil, err
	}
	if p.began != nil {
		p.began(store, network)
	}
	server, err := proxy.New(proxy.Config{DialContext: network.dial, Timeouts: proxy.Timeouts{Drain: time.Second}})
	if err != nil {
		return nil, err
	}
	server.Apply(translate.Translate(store.Snapshot()).Table)
	entry, err := serveProxy(ctx, group, server)
	if err != nil {
		return nil, err
	}
	return &replay.Session{
		Client: &send.Client{
			Dialer: &net.Dialer{}, Entry: entry, ClientCertificates: p.secrets.Clients, Secrets: p.secrets.Certificates,
		},
		Bindings: bindings, Admission: admitted, End: end,
	}, nil
}

func serveProxy(ctx context.Context, group *errgroup.Group, server *proxy.Server) (client.Entry, error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return client.Entry{}, err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return client.Entry{}, errors.Join(err, plain.Close())
	}
	group.Go(func() error { return server.Serve(ctx, plain, secure) })
	return client.Entry{HTTP: addrPort(plain), HTTPS: addrPort(secure)}, nil
}

func addrPort(listener net.Listener) netip.AddrPort { return listener.Addr().(*net.TCPAddr).AddrPort() }

// network maps the addresses of a cluster to listeners of this process.
type network struct {
	listeners map[string]string
	handlers  map[string]http.Handler // by the address of the listener
	// deployments are those of the Pods, by the addresses that they listen on in the cluster.
	deployments map[string]string
}

// dial connects to what listens for an address of the cluster. Nothing listens at port 9 of the loopback interface, where
// everything else leads, so that connections are really refused.
func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	target, ok := n.listeners[address]
	if !ok {
		target = "127.0.0.1:9"
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

// startBackends starts a server for each Pod of the record's Deployments.
func (p *inProcess) startBackends(ctx context.Context, group *errgroup.Group, network *network) ([]corev1.Pod, error) {
	var pods []corev1.Pod
	for _, deployment := range p.setup.Deployments {
		for range *deployment.Spec.Replicas {
			name := fmt.Sprintf("%s-%d", deployment.Name, len(pods))
			pod := corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: deployment.Spec.Template.Labels},
				Status:     corev1.PodStatus{PodIP: fmt.Sprintf("10.244.0.%d", len(pods)+1)},
			}
			handler, err := backend(deployment.Spec.Template.Spec.Containers[0].Args, name)
			if err != nil {
				return nil, err
			}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			network.listeners[pod.Status.PodIP+":8080"] = listener.Addr().String()
			network.deployments[pod.Status.PodIP+":8080"] = deployment.Name
			network.handlers[listener.Addr().String()] = handler
			group.Go(func() error { return backends.Serve(ctx, listener, handler, backends.Shutdown{Grace: time.Second}) })
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// backend is the server that the arguments of a container start.
func backend(arguments []string, pod string) (http.Handler, error) {
	switch {
	case len(arguments) == 3 && arguments[0] == "echo" && arguments[1] == "--server-version":
		return backends.Echo(pod, arguments[2]), nil
	case len(arguments) == 1 && arguments[0] == "probe":
		return backends.Probe(pod), nil
	case len(arguments) == 1 && arguments[0] == "extra":
		return backends.Extra(pod), nil
	}
	return nil, fmt.Errorf("no backend is started by %q", arguments)
}

// bindClusterIPs gives each Service an address, which leads to one of its Pods.
func (p *inProcess) bindClusterIPs(bindings record.Bindings, network *network, pods []corev1.Pod) {
	for i, service := range p.setup.Services {
		address := fmt.Sprintf("10.96.0.%d", i+1)
		bindings["cluster IP of "+service.Name] = address
		for _, pod := range pods {
			if pod.Labels["app"] == service.Spec.Selector["app"] {
				for _, port := range service.Spec.Ports {
					if target, ok := network.listeners[fmt.Sprintf("%s:%d", pod.Status.PodIP, port.TargetPort.IntVal)]; ok {
						network.listeners[fmt.Sprintf("%s:%d", address, port.Port)] = target
					}
				}
			}
		}
	}
}

// store holds the objects of a case, as the API server would.
type store struct {
	*snapshottest.Store
	settings snapshot.Settings
}

func (s store) Snapshot() *snapshot.Snapshot { return snapshot.Take(s.Store, s.settings) }

func (s store) SnapshotWith(ingress *networkingv1.Ingress) *snapshot.Snapshot {
	return snapshot.TakeWith(s.Store, s.settings, ingress)
}

func (p *inProcess) newStore(pods []corev1.Pod, bindings record.Bindings) (store, error) {
	settings := snapshot.Settings{
		ControllerClass: "testbed.local/ingress", LegacyClass: class,
		ConfigMap: types.NamespacedName{Namespace: "ingress", Name: "controller"}, Compatibility: p.mode,
	}
	s := store{Store: snapshottest.NewStore(), settings: settings}
	s.Add(&networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: settings.ControllerClass},
	})
	var names []string
	for _, service := range p.setup.Services {
		names = append(names, service.Name)
	}
	for in, services := range map[string][]string{
		bindings["namespace"]: names, bindings["namespace"] + "-two": p.whole.About.SecondNamespace,
	} {
		objects, err := p.setup.ServicesIn(in, services, pods)
		if err != nil {
			return store{}, err
		}
		for _, object := range objects {
			s.Add(object)
		}
		for _, secret := range p.secrets.In(in) {
			s.Add(secret)
		}
	}
	return s, nil
}

// admit adds the objects that the webhook accepts to the store. Those that the API server refused are left out: there is
// none that could decide.
func admit(one *record.Case, store store, bindings record.Bindings) (map[string]record.Admission, error) {
	decisions := map[string]record.Admission{}
	if one.ConfigMap != nil {
		store.Add(&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: store.settings.ConfigMap.Namespace, Name: store.settings.ConfigMap.Name}, Data: one.ConfigMap,
		})
	}
	created := time.Now()
	for _, object := range one.Objects {
		if strings.HasPrefix(string(one.Admission[object.Name()]), record.RefusedByAPIServer) {
			continue
		}
		typed, err := typedObject(object, bindings, created)
		if err != nil {
			return nil, err
		}
		created = created.Add(time.Duration(one.Spacing))
		decision := record.Accepted
		if ingress, ok := typed.(*networkingv1.Ingress); ok {
			if decision, err = review(ingress, store); err != nil {
				return nil, err
			}
		}
		decisions[object.Name()] = decision
		if decision == record.Accepted {
			store.Add(typed)
		}
	}
	return decisions, nil
}

func typedObject(object record.Object, bindings record.Bindings, created time.Time) (runtime.Object, error) {
	bound, err := bindings.Object(object)
	if err != nil {
		return nil, err
	}
	content, err := json.Marshal(bound)
	if err != nil {
		return nil, err
	}
	objects, err := snapshottest.Objects(content)
	if err != nil {
		return nil, err
	}
	typed := objects[0].(metav1.Object)
	if typed.GetNamespace() == "" {
		typed.SetNamespace(namespace)
	}
	typed.SetUID(types.UID(typed.GetNamespace() + "/" + typed.GetName()))
	typed.SetCreationTimestamp(metav1.NewTime(created.Truncate(time.Second)))
	return objects[0], nil
}

func review(ingress *networkingv1.Ingress, store store) (record.Admission, error) {
	candidate := ingress.DeepCopy()
	candidate.CreationTimestamp, candidate.UID = metav1.Time{}, "" // the API server sets them later
	raw, err := json.Marshal(candidate)
	if err != nil {
		return "", err
	}
	response := admission.Review(store, translate.Result{}, &admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Namespace: ingress.Namespace, Object: runtime.RawExtension{Raw: raw},
		Kind: metav1.GroupVersionKind{Group: networkingv1.GroupName, Version: "v1", Kind: "Ingress"},
	})
	if response.Allowed {
		return record.Accepted, nil
	}
	return record.Admission(record.RefusedByWebhook + response.Result.Message), nil
}
