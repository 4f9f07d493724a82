//go:build linux

package kubeletapi

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/usage"
)

// metricsHandler serves the agent's own metrics, with the kubelet's that depend on nothing but its Pods.
func (s *Server) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), podCollector{s})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// resourceHandler serves what metrics-server reads (Kubernetes documentation, "Node metrics data").
func (s *Server) resourceHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(resourceCollector{s})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// podCollector counts Pods and containers.
type podCollector struct{ server *Server }

// Describe sends nothing: the metrics are not checked before they are collected.
func (podCollector) Describe(chan<- *prometheus.Desc) {}

// Collect sends the numbers of running Pods and containers, and the node's name.
func (c podCollector) Collect(out chan<- prometheus.Metric) {
	pods, containers := 0, 0
	for _, pod := range c.server.config.Pods.All() {
		if running := len(pod.Running()); running > 0 {
			pods, containers = pods+1, containers+running
		}
	}
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	gauge(description("kubelet_node_name", "The node's name. The count is always 1.", "node"), 1, c.server.config.NodeName)
	gauge(description("kubelet_running_pods", "Number of pods that have a running container."), pods)
	gauge(description("kubelet_running_containers", "Number of running containers.", "container_state"), containers, "running")
}

// resourceCollector reports the usage of the node, its Pods and their containers.
type resourceCollector struct{ server *Server }

// Describe sends nothing: the metrics are not checked before they are collected.
func (resourceCollector) Describe(chan<- *prometheus.Desc) {}

// Collect measures and sends the usage, with the time at which it was measured.
func (c resourceCollector) Collect(out chan<- prometheus.Metric) {
	m, err := measure(c.server.config.Pods)
	failed := 0.0
	if err != nil {
		c.server.config.Logger.Warn("measuring the usage of containers", "error", err)
		failed = 1
	}
	out <- prometheus.MustNewConstMetric(description("resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise"),
		prometheus.GaugeValue, failed)
	if err != nil {
		return
	}
	send := func(scope string, u usage.Usage, labels, values []string) {
		for _, metric := range []prometheus.Metric{
			prometheus.MustNewConstMetric(description(scope+"_cpu_usage_seconds_total", "Cumulative cpu time consumed by the "+scope+" in core-seconds", labels...),
				prometheus.CounterValue, u.CPU.Seconds(), values...),
			prometheus.MustNewConstMetric(description(scope+"_memory_working_set_bytes", "Current working set of the "+scope+" in bytes", labels...),
				prometheus.GaugeValue, float64(u.Memory), values...),
		} {
			out <- prometheus.NewMetricWithTimestamp(m.at, metric)
		}
	}
	send("node", m.node, nil, nil)
	for _, p := range m.pods {
		send("pod", p.total(), []string{"namespace", "pod"}, []string{p.pod.Namespace, p.pod.Name})
		for _, container := range p.containers {
			labels := []string{"container", "namespace", "pod"}
			values := []string{container.name, p.pod.Namespace, p.pod.Name}
			send("container", container.usage, labels, values)
			out <- prometheus.MustNewConstMetric(
				description("container_start_time_seconds", "Start time of the container since unix epoch in seconds", labels...),
				prometheus.GaugeValue, float64(container.started.UnixNano())/1e9, values...)
		}
	}
}
