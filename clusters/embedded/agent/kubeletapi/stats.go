//go:build linux

package kubeletapi

import (
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	stats "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/usage"
)

// summary answers /stats/summary, without what the node doesn't measure: file systems, network and pressure.
func (s *Server) summary(w http.ResponseWriter, _ *http.Request) {
	m, err := measure(s.config.Pods)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.writeJSON(w, m.summary(s.config.NodeName, s.config.Started))
}

// summary returns a measurement in the form of the kubelet's API.
func (m measurement) summary(node string, started metav1.Time) stats.Summary {
	all := stats.Summary{Node: stats.NodeStats{NodeName: node, StartTime: started}, Pods: []stats.PodStats{}}
	all.Node.CPU, all.Node.Memory = m.stats(m.node)
	for _, p := range m.pods {
		own := stats.PodStats{PodRef: stats.PodReference{Name: p.pod.Name, Namespace: p.pod.Namespace, UID: string(p.pod.UID)}}
		own.CPU, own.Memory = m.stats(p.total())
		for _, c := range p.containers {
			container := stats.ContainerStats{Name: c.name, StartTime: metav1.NewTime(c.started)}
			container.CPU, container.Memory = m.stats(c.usage)
			own.Containers = append(own.Containers, container)
			if own.StartTime.IsZero() || c.started.Before(own.StartTime.Time) {
				own.StartTime = container.StartTime
			}
		}
		all.Pods = append(all.Pods, own)
	}
	return all
}

func (m measurement) stats(u usage.Usage) (*stats.CPUStats, *stats.MemoryStats) {
	at := metav1.NewTime(m.at)
	return &stats.CPUStats{Time: at, UsageCoreNanoSeconds: ptr.To(uint64(u.CPU))},
		&stats.MemoryStats{Time: at, UsageBytes: ptr.To(u.Memory), WorkingSetBytes: ptr.To(u.Memory), RSSBytes: ptr.To(u.Memory)}
}

// runningPods answers /runningpods with the Pods that have a running container, as far as a container runtime knows them.
func (s *Server) runningPods(w http.ResponseWriter, _ *http.Request) {
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{}}
	for _, pod := range s.config.Pods.All() {
		object := pod.Pod()
		known := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: object.Name, Namespace: object.Namespace, UID: object.UID}}
		for _, c := range pod.Running() {
			known.Spec.Containers = append(known.Spec.Containers, corev1.Container{Name: c.Name, Image: c.Image})
		}
		if len(known.Spec.Containers) > 0 {
			list.Items = append(list.Items, known)
		}
	}
	s.writeJSON(w, list)
}
