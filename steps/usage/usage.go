// Package usage measures what the Pods of the ingress controller use while something happens.
//
// The numbers are those of the kubelets' Summary API, which every node has and which is read through the API server
// (Kubernetes documentation, "Node metrics data"): CPU time since a Pod's start, and its working set. The embedded cluster
// measures at each request; a kubelet may repeat a measurement for some ten seconds.
package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/subject"
)

const (
	// Interval is the time between two measurements.
	Interval = 500 * time.Millisecond
	// within bounds a measurement: the API server or a node may be away.
	within = 2 * time.Second
)

// Sample is what the Pods used together, at a point in time.
type Sample struct {
	At     time.Time
	CPU    float64 // cores, since the sample before
	Memory int64   // bytes of the working sets
}

// Source reads the usage of Pods.
type Source interface {
	// Read returns the usage of the running Pods by their UIDs.
	Read(ctx context.Context) (map[string]Reading, error)
}

// Reading is what one Pod has used.
type Reading struct {
	// At is when it was measured, and Started when the Pod was started, by the node's clock.
	At, Started time.Time
	// CPU is the processor time since the Pod's start.
	CPU    time.Duration
	Memory int64
}

// Controller is the ingress controller of a cluster as a Source.
type Controller struct {
	Objects *objects.API
	Subject interface {
		Installation() (subject.Installation, error)
	}
}

// Read implements Source.
func (c Controller) Read(ctx context.Context) (map[string]Reading, error) {
	installation, err := c.Subject.Installation()
	if err != nil {
		return nil, err
	}
	pods, err := c.Objects.Workloads.Pods(ctx, installation.Namespace, installation.Selector)
	if err != nil {
		return nil, err
	}
	readings := map[string]Reading{}
	for node, uids := range byNode(pods) {
		summary, err := c.summary(ctx, node)
		if err != nil {
			return nil, err
		}
		for i := range summary.Pods {
			pod := &summary.Pods[i]
			if reading, ok := newReading(pod); ok && slices.Contains(uids, pod.PodRef.UID) {
				readings[pod.PodRef.UID] = reading
			}
		}
	}
	if len(readings) == 0 {
		return nil, errors.New("the nodes measure no Pod of the ingress controller")
	}
	return readings, nil
}

func byNode(pods []corev1.Pod) map[string][]string {
	nodes := map[string][]string{}
	for _, pod := range pods {
		if pod.Spec.NodeName != "" {
			nodes[pod.Spec.NodeName] = append(nodes[pod.Spec.NodeName], string(pod.UID))
		}
	}
	return nodes
}

func (c Controller) summary(ctx context.Context, node string) (*stats.Summary, error) {
	connection, ok := c.Objects.Workloads.Clientset.CoreV1().RESTClient().(*rest.RESTClient)
	if !ok || connection == nil { // of a clientset of client-go's package fake
		return nil, errors.New("reading the usage of Pods: the clientset has no connection to an API server")
	}
	body, err := connection.Get().Resource("nodes").Name(node).SubResource("proxy").
		Suffix("stats/summary").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the usage of Pods from node %s: %w", node, err)
	}
	var summary stats.Summary
	if err := json.Unmarshal(body, &summary); err != nil {
		return nil, fmt.Errorf("reading the usage of Pods from node %s: %w", node, err)
	}
	return &summary, nil
}

func newReading(pod *stats.PodStats) (reading Reading, ok bool) {
	cpu, memory := pod.CPU, pod.Memory
	if cpu == nil || cpu.UsageCoreNanoSeconds == nil || memory == nil || memory.WorkingSetBytes == nil {
		return Reading{}, false // it has just been started
	}
	return Reading{
		At: cpu.Time.Time, Started: pod.StartTime.Time,
		CPU: time.Duration(*cpu.UsageCoreNanoSeconds), Memory: int64(*memory.WorkingSetBytes),
	}, true
}
