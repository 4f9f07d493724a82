//go:build linux

package kubeletapi

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/usage"
)

// measurement is what the running containers of the node use at one time.
type measurement struct {
	at   time.Time
	pods []podUsage
	// node is the sum of all containers and the agent. The machine's own figures would be those of all nodes together.
	node usage.Usage
}

type podUsage struct {
	pod        *corev1.Pod
	containers []containerUsage
}

type containerUsage struct {
	name    string
	started time.Time
	usage   usage.Usage
}

// total is the usage of the whole Pod.
func (p podUsage) total() (sum usage.Usage) {
	for _, c := range p.containers {
		sum = sum.Add(c.usage)
	}
	return sum
}

// measure measures Pods that run at least one container.
func measure(pods Pods) (measurement, error) {
	m := measurement{at: time.Now()}
	usages, err := usage.Measure()
	if err != nil {
		return m, err
	}
	if m.node, err = usage.Self(); err != nil {
		return m, err
	}
	for _, pod := range pods.All() {
		p := podUsage{pod: pod.Pod()}
		for _, c := range pod.Running() {
			p.containers = append(p.containers, containerUsage{c.Name, c.StartedAt, usages.Container(c.PID)})
		}
		if len(p.containers) == 0 {
			continue
		}
		m.pods = append(m.pods, p)
		m.node = m.node.Add(p.total())
	}
	return m, nil
}
