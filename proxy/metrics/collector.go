package metrics

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// MaxSeries bounds how many routes have series of their own; those beyond it share one, whose host is "(other)".
const MaxSeries = 10_000

// overflowLabels are those of the shared series. No host of a table has brackets.
//
//nolint:gochecknoglobals // a table that is never changed
var overflowLabels = Labels{Host: "(other)"}

// Collector is a prometheus.Collector of all series of a proxy.
type Collector struct {
	requests, duration, in, out      *prometheus.Desc
	connections, retries, generation *prometheus.Desc

	// Connections is how many clients are connected.
	Connections atomic.Int64
	// Retries counts requests that were sent to another endpoint after one had failed.
	Retries atomic.Uint64
	// Generation counts the tables applied.
	Generation atomic.Uint64

	mu       sync.Mutex
	series   map[Labels]*Series
	overflow Series
	unrouted Series // requests that no route matched
}

// NewCollector makes a collector; the caller registers it.
func NewCollector() *Collector {
	labels := []string{"host", "path", "namespace", "ingress", "service", "canary"}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("testbed_proxy_"+name, help, labels, nil)
	}
	return &Collector{
		requests:    desc("requests_total", "Requests by route and status code.", append(labels, "code")...),
		duration:    desc("request_duration_seconds", "Time from a request's header to the end of the reply.", labels...),
		in:          desc("request_body_bytes_total", "Bytes of request bodies.", labels...),
		out:         desc("response_body_bytes_total", "Bytes of reply bodies.", labels...),
		connections: desc("client_connections", "Connected clients."),
		retries:     desc("upstream_retries_total", "Requests sent again to another endpoint."),
		generation:  desc("table_applied_total", "Routing tables applied."),
		series:      make(map[Labels]*Series),
	}
}

// Use returns the series of these labels, in order, and drops those of all other labels. Series of labels that were
// used before keep their counts.
func (c *Collector) Use(labels []Labels) []*Series {
	c.mu.Lock()
	defer c.mu.Unlock()
	used := make([]*Series, len(labels))
	kept := make(map[Labels]*Series, min(len(labels), MaxSeries))
	for i, l := range labels {
		series := kept[l]
		switch {
		case series != nil:
		case len(kept) >= MaxSeries:
			series = &c.overflow
		default:
			if series = c.series[l]; series == nil {
				series = new(Series)
			}
			kept[l] = series
		}
		used[i] = series
	}
	c.series = kept
	return used
}

// Unrouted is the series of requests that no route matched; its labels are empty.
func (c *Collector) Unrouted() *Series { return &c.unrouted }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.requests, c.duration, c.in, c.out, c.connections, c.retries, c.generation,
	} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	series := make(map[Labels]*Series, len(c.series)+2)
	for labels, s := range c.series {
		series[labels] = s
	}
	c.mu.Unlock()
	series[Labels{}] = &c.unrouted
	series[overflowLabels] = &c.overflow
	for labels, s := range series {
		c.collect(out, labels, s)
	}
	out <- prometheus.MustNewConstMetric(c.connections, prometheus.GaugeValue, float64(c.Connections.Load()))
	out <- prometheus.MustNewConstMetric(c.retries, prometheus.CounterValue, float64(c.Retries.Load()))
	out <- prometheus.MustNewConstMetric(c.generation, prometheus.CounterValue, float64(c.Generation.Load()))
}

func (c *Collector) collect(out chan<- prometheus.Metric, l Labels, s *Series) {
	values := []string{l.Host, l.Path, l.Namespace, l.Ingress, l.Service, strconv.FormatBool(l.Canary)}
	counter := func(desc *prometheus.Desc, value float64, values ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, values...)
	}
	var total uint64
	for slot := range s.counts {
		if n := s.counts[slot].Load(); n > 0 {
			total += n
			counter(c.requests, float64(n), append(values, codeName(slot))...)
		}
	}
	if total == 0 {
		return
	}
	buckets := make(map[float64]uint64, len(bounds))
	var seen uint64
	for i, bound := range bounds {
		seen += s.buckets[i].Load()
		buckets[bound.Seconds()] = seen
	}
	seen += s.buckets[len(bounds)].Load()
	sum := time.Duration(s.nanos.Load()).Seconds()
	out <- prometheus.MustNewConstHistogram(c.duration, seen, sum, buckets, values...)
	counter(c.in, float64(s.in.Load()), values...)
	counter(c.out, float64(s.out.Load()), values...)
}

func codeName(slot int) string {
	if slot < len(codes) {
		return strconv.Itoa(codes[slot])
	}
	return fmt.Sprintf("%dxx", slot-len(codes)+1)
}
