package kubeconfig

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// forwarded reaches Pods through the API server, as kubectl port-forward does.
type forwarded struct {
	services services
	rest     *rest.Config

	mu      sync.Mutex
	tunnels map[string]httpstream.Connection // by Pod
	last    int
}

func newForwarded(access *access) *forwarded {
	config := rest.CopyConfig(access.rest)
	config.Timeout = 0 // a connection lasts as long as it is wanted
	return &forwarded{services: services{access.clientset}, rest: config, tunnels: map[string]httpstream.Connection{}}
}

// Addr is unknown: what a Pod sees is its node, or itself.
func (f *forwarded) Addr() netip.Addr { return netip.Addr{} }

// DialContext connects to a ready Pod behind the Service that has the node port.
func (f *forwarded) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	service, port, err := f.services.at(ctx, address)
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
	// As from a node without one: there is no answer.
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

// connect opens a pair of streams, for data and for errors, in the Pod's tunnel; a tunnel that broke is made anew.
func (f *forwarded) connect(pod *corev1.Pod, port int) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := pod.Namespace + "/" + pod.Name
	if tunnel, ok := f.tunnels[key]; ok {
		if conn, err := f.open(tunnel, port); err == nil {
			return conn, nil
		}
		_ = tunnel.Close() // it is broken already
		delete(f.tunnels, key)
	}
	tunnel, err := f.dial(pod)
	if err != nil {
		return nil, err
	}
	f.tunnels[key] = tunnel
	return f.open(tunnel, port)
}

// dial makes a tunnel over WebSocket, or over SPDY with API servers and proxies that don't know the former.
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

func (f *forwarded) open(tunnel httpstream.Connection, port int) (net.Conn, error) {
	f.last++
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(port))
	header.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(f.last))
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
