package inprocess

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
)

// The controller's objects.
const (
	controllerNamespace = "ingress"
	controllerName      = "controller"
	controllerClass     = "testbed.local/ingress"
	className           = "nginx"
	// controllerAddress is that of its Pod, controllerClusterIP that of its Service.
	controllerAddress   = "10.244.255.1"
	controllerClusterIP = "10.96.255.1"
)

// control is the controller: it translates the objects after each change, has the proxy serve the table, and writes
// statuses and events. All but entry and log belong to the API server, which calls it.
type control struct {
	entry  client.Entry
	log    *logBuffer
	server *proxy.Server
	change func(*route.Table) *route.Table

	settings snapshot.Settings
	served   *route.Table
	known    map[problem.Problem]bool
	events   int
}

// startControl starts the proxy. It ends with ctx.
func startControl(ctx context.Context, running *sync.WaitGroup, network *network, o Options) (*control, error) {
	c := &control{log: &logBuffer{}, change: o.Change, settings: defaults(o.Mode)}
	var err error
	c.server, err = proxy.New(proxy.Config{
		DialContext: network.dial, Ports: streams{network}, AccessLog: c.log, Timeouts: proxy.Timeouts{Drain: grace},
	})
	if err != nil {
		return nil, fmt.Errorf("making the proxy: %w", err)
	}
	var config net.ListenConfig
	plain, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the proxy: %w", err)
	}
	secure, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening for the proxy: %w", err), plain.Close())
	}
	c.entry = client.Entry{HTTP: addressOf(plain), HTTPS: addressOf(secure)}
	for _, address := range []string{controllerAddress, controllerClusterIP} {
		network.listen(address+":80", c.entry.HTTP.String())
		network.listen(address+":443", c.entry.HTTPS.String())
	}
	serving := make(chan struct{})
	announced := &announcingListener{Listener: plain, serving: serving}
	running.Go(func() { _ = c.server.Serve(ctx, announced, secure) }) // the scenario sees what becomes of its requests
	select {
	case <-serving:
		return c, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// announcingListener closes a channel when the proxy serves. From then on, applying a table opens the ports of its streams.
type announcingListener struct {
	net.Listener
	once    sync.Once
	serving chan<- struct{}
}

// Accept implements net.Listener.
func (l *announcingListener) Accept() (net.Conn, error) {
	l.once.Do(func() { close(l.serving) })
	return l.Listener.Accept() //nolint:wrapcheck // as without
}

// defaults are the settings of a controller without flags but that of its mode.
func defaults(mode compatibility.Mode) snapshot.Settings {
	return snapshot.Settings{
		ControllerClass: controllerClass, LegacyClass: className, Compatibility: mode,
		ConfigMap:   types.NamespacedName{Namespace: controllerNamespace, Name: controllerName},
		TCPServices: types.NamespacedName{Namespace: controllerNamespace, Name: tcpServices},
	}
}

func addressOf(listener net.Listener) netip.AddrPort {
	return netip.MustParseAddrPort(listener.Addr().String())
}

// update serves what the view holds.
func (c *control) update(held *apiserver.Objects, view *view) error {
	result := translate.Translate(snapshot.Take(view, c.settings))
	if table := c.changed(result.Table); !table.Equal(c.served) {
		c.served = table
		c.server.Apply(table) // what can't be compiled is denied, which scenarios see
	}
	for _, ingress := range view.ingresses {
		name := snapshot.Key(ingress)
		if result.Served[name] && len(ingress.Status.LoadBalancer.Ingress) == 0 {
			held.SetStatus("ingresses", name, map[string]any{
				"loadBalancer": map[string]any{"ingress": []any{map[string]any{"ip": c.entry.HTTP.Addr().String()}}},
			})
		}
	}
	return c.publish(held, result.Problems)
}

func (c *control) changed(table *route.Table) *route.Table {
	if c.change == nil {
		return table
	}
	return c.change(table)
}

// publish makes an event of each new problem, as controller/events does.
func (c *control) publish(held *apiserver.Objects, problems []problem.Problem) error {
	now := map[problem.Problem]bool{}
	for _, found := range problems {
		now[found] = true
		if found.Severity <= problem.Notice || c.known[found] {
			continue
		}
		c.events++
		about := found.Object
		err := held.Put(&corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: about.Namespace, Name: fmt.Sprintf("%s.%d", about.Name, c.events)},
			InvolvedObject: corev1.ObjectReference{
				APIVersion: about.APIVersion, Kind: about.Kind, Namespace: about.Namespace, Name: about.Name, UID: about.UID,
			},
			Type: corev1.EventTypeWarning, Reason: string(found.Reason), Message: found.Message,
			LastTimestamp: metav1.NewTime(time.Now().Truncate(time.Second)),
		})
		if err != nil {
			return err
		}
	}
	c.known = now
	return nil
}

// admit is the controller's webhook.
func (c *control) admit(held *apiserver.Objects, object *unstructured.Unstructured, created bool) error {
	if object.GetKind() != "Ingress" {
		return nil
	}
	view, err := newView(held)
	if err != nil {
		return err
	}
	raw, err := object.MarshalJSON()
	if err != nil {
		return fmt.Errorf("encoding the Ingress: %w", err)
	}
	operation := admissionv1.Update
	if created {
		operation = admissionv1.Create
	}
	response := admission.Review(reviewed{view, c.settings}, translate.Result{}, &admissionv1.AdmissionRequest{
		Operation: operation, Namespace: object.GetNamespace(), Object: runtime.RawExtension{Raw: raw},
		Kind: metav1.GroupVersionKind{Group: networkingv1.GroupName, Version: "v1", Kind: "Ingress"},
	})
	if !response.Allowed {
		return fmt.Errorf("admission webhook denied the request: %s", response.Result.Message)
	}
	return nil
}

// reviewed implements admission.Cluster.
type reviewed struct {
	view     *view
	settings snapshot.Settings
}

// Snapshot implements admission.Cluster.
func (r reviewed) Snapshot() *snapshot.Snapshot { return snapshot.Take(r.view, r.settings) }

// SnapshotWith implements admission.Cluster.
func (r reviewed) SnapshotWith(ingress *networkingv1.Ingress) *snapshot.Snapshot {
	return snapshot.TakeWith(r.view, r.settings, ingress)
}

// logBuffer keeps the access log.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (b *logBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, text...)
	return len(text), nil
}

// String is all that was written.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
