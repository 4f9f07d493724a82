package objects

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
)

const (
	// lookupTimeout bounds the lookup of the reasons of a failure.
	lookupTimeout = 5 * time.Second
	// maxLog is the most bytes that are read of a log.
	maxLog = 4 << 20
)

// Workloads reads what runs in a cluster: Pods, their logs and endpoints.
type Workloads struct {
	// Config of the clients, for others that need a connection of their own; nil in tests without an API server.
	Config    *rest.Config
	Clientset kubernetes.Interface
}

// Pods lists the Pods with the labels, sorted by name. Pods that have terminated are left out, such as those of a
// completed Job, unless they are being deleted: kubectl lists those too.
func (w *Workloads) Pods(ctx context.Context, namespace, labels string) ([]corev1.Pod, error) {
	list, err := w.Clientset.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err != nil {
		return nil, fmt.Errorf("listing the Pods %s in namespace %s: %w", labels, namespace, err)
	}
	pods := slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		return ended && pod.DeletionTimestamp == nil
	})
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods, nil
}

// ReadyPods lists the Pods that are ready and not being deleted. The error wraps ErrNoPod if there are none.
func (w *Workloads) ReadyPods(ctx context.Context, namespace, labels string) ([]corev1.Pod, error) {
	pods, err := w.Pods(ctx, namespace, labels)
	if err != nil {
		return nil, err
	}
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp != nil || missingOfPod(&pod) != ""
	})
	if len(pods) == 0 {
		return nil, fmt.Errorf("%w: no ready Pod has the labels %s in namespace %s", ErrNoPod, labels, namespace)
	}
	return pods, nil
}

// PodsOf lists the ready Pods of the Deployment of that name or, if there is none, the Pod of that name. The error wraps
// ErrNoPod if there are none.
func (w *Workloads) PodsOf(ctx context.Context, namespace, name string) ([]corev1.Pod, error) {
	deployment, err := w.Clientset.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return w.ReadyPods(ctx, namespace, metav1.FormatLabelSelector(deployment.Spec.Selector))
	}
	if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading Deployment %s/%s: %w", namespace, name, err)
	}
	pod, err := w.Clientset.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w: namespace %s has neither a Deployment nor a Pod %q", ErrNoPod, namespace, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading Pod %s/%s: %w", namespace, name, err)
	}
	return []corev1.Pod{*pod}, nil
}

// Endpoints lists the EndpointSlices of a Service.
func (w *Workloads) Endpoints(ctx context.Context, namespace, service string) ([]discoveryv1.EndpointSlice, error) {
	list, err := w.Clientset.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + service,
	})
	if err != nil {
		return nil, fmt.Errorf("listing the EndpointSlices of Service %s/%s: %w", namespace, service, err)
	}
	return list.Items, nil
}

// Log returns the last lines of the log of a Pod's first container, or all of it if tail is 0.
func (w *Workloads) Log(ctx context.Context, namespace, pod string, tail int64) (string, error) {
	options := &corev1.PodLogOptions{}
	if tail > 0 {
		options.TailLines = &tail
	}
	return w.log(ctx, namespace, pod, options)
}

// LogSince returns the last lines of the log of a Pod's first container that were written at a time or later; the API has whole
// seconds.
func (w *Workloads) LogSince(ctx context.Context, namespace, pod string, since time.Time, tail int64) (string, error) {
	whole := metav1.NewTime(since.Truncate(time.Second))
	return w.log(ctx, namespace, pod, &corev1.PodLogOptions{SinceTime: &whole, TailLines: &tail})
}

func (w *Workloads) log(ctx context.Context, namespace, pod string, options *corev1.PodLogOptions) (string, error) {
	stream, err := w.Clientset.CoreV1().Pods(namespace).GetLogs(pod, options).Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the log of Pod %s/%s: %w", namespace, pod, err)
	}
	defer stream.Close()
	log, err := io.ReadAll(io.LimitReader(stream, maxLog))
	if err != nil {
		return "", fmt.Errorf("reading the log of Pod %s/%s: %w", namespace, pod, err)
	}
	return string(log), nil
}

// GetFromPod makes a GET request to a port of a Pod, through the proxy of the API server, and returns the body. A
// response with a status of 400 or more is an error.
func (w *Workloads) GetFromPod(ctx context.Context, namespace, name string, port int, path string) (string, error) {
	body, err := w.Clientset.CoreV1().Pods(namespace).ProxyGet("http", name, strconv.Itoa(port), path, nil).DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("requesting %s from Pod %s/%s on port %d: %w", path, namespace, name, port, err)
	}
	return string(body), nil
}

// Exec runs a command in a Pod's first container and returns what it printed.
func (w *Workloads) Exec(ctx context.Context, namespace, pod string, command ...string) (string, error) {
	request := w.Clientset.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(w.Config, "GET", request.URL().String())
	if err != nil {
		return "", fmt.Errorf("running %q in Pod %s/%s: %w", command, namespace, pod, err)
	}
	var stdout, stderr bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		return stdout.String(), fmt.Errorf("running %q in Pod %s/%s: %w: %s", command, namespace, pod, err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Events returns the events of a namespace in chronological order, one per line: time, type, reason, object, message.
func (w *Workloads) Events(ctx context.Context, namespace string) (string, error) {
	list, err := w.Clientset.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("listing the events of namespace %s: %w", namespace, err)
	}
	when := func(event corev1.Event) time.Time {
		if !event.LastTimestamp.IsZero() {
			return event.LastTimestamp.Time
		}
		return event.EventTime.Time
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return when(a).Compare(when(b)) })
	var text strings.Builder
	for _, event := range list.Items {
		fmt.Fprintf(&text, "%s  %s  %s  %s/%s  %s\n", when(event).UTC().Format(time.TimeOnly), event.Type, event.Reason,
			event.InvolvedObject.Kind, event.InvolvedObject.Name, event.Message)
	}
	return text.String(), nil
}
