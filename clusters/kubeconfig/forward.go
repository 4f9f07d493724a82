package kubeconfig

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/singleflight"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/ingress-testbed/testbed/clusters"
)

// forwarded reaches Pods through the API server, as kubectl port-forward does.
type forwarded struct {
	services services
	rest     *rest.Config

	dialing singleflight.Group // by Pod
	request atomic.Int64       // the last request ID

	mu      sync.Mutex
	tunnels map[string]httpstream.Connection // by Pod
}

func newForwarded(access *access) *forwarded {
	config := rest.CopyConfig(access.rest)
	config.Timeout = 0 // it would end connections, too
	return &forwarded{services: services{access.clientset}, rest: config, tunnels: map[string]httpstream.Connection{}}
}

// Addr is unknown: a Pod sees the address of its node, or its own.
func (f *forwarded) Addr() netip.Addr { return netip.Addr{} }

// DialContext connects to a ready Pod behind the Service that has the node port.
func (f *forwarded) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("connecting to %s over %s by forwarding ports: %w", address, network, clusters.ErrUnsupported)
	}
	service, port, err := f.services.find(ctx, address)
	if err != nil {
		return nil, err
	}
	pod, err := f.readyPod(ctx, service)
	if err != nil {
		return nil, err
	}
	number, err := containerPort(pod, port)
	if err != nil {
		return nil, err
	}
	conn, err := f.connect(pod, number)
	if err != nil {
		return nil, fmt.Errorf("forwarding to port %d of Pod %s/%s: %w", number, pod.Namespace, pod.Name, err)
	}
	return conn, nil
}

func (f *forwarded) readyPod(ctx context.Context, service *corev1.Service) (*corev1.Pod, error) {
	selector := metav1.FormatLabelSelector(metav1.SetAsLabelSelector(service.Spec.Selector))
	list, err := f.services.clientset.CoreV1().Pods(service.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("looking for the Pods of Service %s/%s: %w", service.Namespace, service.Name, err)
	}
	for i, pod := range list.Items {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil {
				return &list.Items[i], nil
			}
		}
	}
	// The same kind of error as that of a node port without endpoints.
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("no Pod of Service %s/%s is ready", service.Namespace, service.Name)}
}

// containerPort resolves a Service's target port, which may be a container port's name.
func containerPort(pod *corev1.Pod, port corev1.ServicePort) (int, error) {
	if port.TargetPort.Type == intstr.Int {
		return port.TargetPort.IntValue(), nil
	}
	for _, container := range pod.Spec.Containers {
		for _, candidate := range container.Ports {
			if candidate.Name == port.TargetPort.StrVal {
				return int(candidate.ContainerPort), nil
			}
		}
	}
	return 0, fmt.Errorf("Pod %s/%s has no port named %s", pod.Namespace, pod.Name, port.TargetPort.StrVal) //nolint:staticcheck // a kind's name
}

// connect opens a connection through the Pod's tunnel. A tunnel that is broken is replaced.
func (f *forwarded) connect(pod *corev1.Pod, port int) (net.Conn, error) {
	key := pod.Namespace + "/" + pod.Name
	if tunnel := f.tunnel(key); tunnel != nil {
		conn, err := f.open(tunnel, port)
		if err == nil {
			return conn, nil
		}
		f.discard(key, tunnel)
	}
	tunnel, err, _ := f.dialing.Do(key, func() (any, error) {
		if tunnel := f.tunnel(key); tunnel != nil {
			return tunnel, nil
		}
		tunnel, err := f.dial(pod)
		if err != nil {
			return nil, err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tunnels[key] = tunnel
		return tunnel, nil
	})
	if err != nil {
		return nil, err
	}
	return f.open(tunnel.(httpstream.Connection), port) //nolint:forcetypeassert // see above
}

// tunnel returns the open tunnel to a Pod; nil if there is none.
func (f *forwarded) tunnel(key string) httpstream.Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tunnels[key]
}

// discard closes a tunnel and removes it, unless another has replaced it.
func (f *forwarded) discard(key string, tunnel httpstream.Connection) {
	_ = tunnel.Close() // it is broken already
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tunnels[key] == tunnel {
		delete(f.tunnels, key)
	}
}

// dial opens a tunnel over WebSocket, or over SPDY if the API server or a proxy doesn't support that.
func (f *forwarded) dial(pod *corev1.Pod) (httpstream.Connection, error) {
	target := f.services.clientset.CoreV1().RESTClient().Post().
		Namespace(pod.Namespace).Resource("pods").Name(pod.Name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(f.rest)
	if err != nil {
		return nil, err
	}
	websocket, err := portforward.NewSPDYOverWebsocketDialer(target, f.rest)
	if err != nil {
		return nil, err
	}
	dialer := portforward.NewFallbackDialer(websocket,
		spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, target),
		func(err error) bool { return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) })
	tunnel, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	return tunnel, err
}

// open opens a pair of streams in a tunnel, for data and for errors.
func (f *forwarded) open(tunnel httpstream.Connection, port int) (net.Conn, error) {
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(port))
	header.Set(corev1.PortForwardRequestIDHeader, strconv.FormatInt(f.request.Add(1), 10))
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	faults, err := tunnel.CreateStream(header)
	if err != nil {
		return nil, err
	}
	faults.Close() // nothing is written to it
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := tunnel.CreateStream(header)
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe() // streams have no deadlines, pipes do
	go func() {
		// An error, such as a port that refuses, ends the connection as it would end a TCP connection.
		if message, err := io.ReadAll(io.LimitReader(faults, 4<<10)); err != nil || len(message) > 0 {
			theirs.Close()
		}
	}()
	go func() {
		_, _ = io.Copy(theirs, data)
		theirs.Close()
	}()
	go func() {
		_, _ = io.Copy(data, theirs)
		data.Close()
		tunnel.RemoveStreams(faults, data)
	}()
	return ours, nil
}
