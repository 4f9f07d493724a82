// Package diagnostics has the controller's probes and metrics.
package diagnostics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingress-testbed/testbed/controller"
)

// Metrics of the controller; those of the requests are the proxy's. It observes the controller's loop.
type Metrics struct {
	rounds      prometheus.Histogram
	tables      prometheus.Counter
	refused     prometheus.Gauge
	succeeded   prometheus.Gauge
	succeededAt prometheus.Gauge
	problems    *prometheus.GaugeVec
	ingresses   prometheus.Gauge
	leader      prometheus.Gauge
	admissions  *prometheus.CounterVec
}

// NewMetrics makes and registers the metrics.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "testbed", Subsystem: "controller", Name: name, Help: help,
		})
	}
	m := &Metrics{
		rounds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "testbed", Subsystem: "controller", Name: "round_duration_seconds",
			Help:    "Time from a change in the cluster being acted upon to its being served.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8),
		}),
		tables: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "testbed", Subsystem: "controller", Name: "tables_total",
			Help: "Routing tables handed to the proxy.",
		}),
		refused:   gauge("config_refused_parts", "Parts of the present table that the proxy could not serve."),
		succeeded: gauge("config_last_reload_successful", "Whether the proxy serves all of the last table."),
		succeededAt: gauge("config_last_reload_successful_timestamp_seconds",
			"When the last table was served in full, in Unix time."),
		problems: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "testbed", Subsystem: "controller", Name: "problems",
			Help: "Current problems with objects of the cluster.",
		}, []string{"severity", "reason"}),
		ingresses: gauge("ingresses", "Ingresses that are served."),
		leader:    gauge("leader_election_status", "Whether this controller leads."),
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "testbed", Subsystem: "controller", Name: "admission_reviews_total",
			Help: "Ingresses that the admission webhook reviewed.",
		}, []string{"allowed"}),
	}
	registerer.MustRegister(m.rounds, m.tables, m.refused, m.succeeded, m.succeededAt, m.problems, m.ingresses,
		m.leader, m.admissions)
	return m
}

// Observe implements controller.Observer.
func (m *Metrics) Observe(outcome controller.Outcome) {
	m.rounds.Observe(outcome.Took.Seconds())
	m.ingresses.Set(float64(len(outcome.Served)))
	if outcome.Applied {
		m.applied(len(outcome.Refused))
	}
	counts := map[[2]string]int{}
	for _, problem := range outcome.Problems {
		counts[[2]string{problem.Severity.String(), string(problem.Reason)}]++
	}
	m.problems.Reset()
	for labels, count := range counts {
		m.problems.WithLabelValues(labels[0], labels[1]).Set(float64(count))
	}
}

// ObserveEndpoints implements controller.EndpointObserver.
func (m *Metrics) ObserveEndpoints(outcome controller.EndpointUpdate) {
	m.rounds.Observe(outcome.Took.Seconds())
	m.applied(len(outcome.Refused))
}

func (m *Metrics) applied(refused int) {
	m.tables.Inc()
	m.refused.Set(float64(refused))
	if refused > 0 {
		m.succeeded.Set(0)
		return
	}
	m.succeeded.Set(1)
	m.succeededAt.SetToCurrentTime()
}

// SetLeader records whether this controller leads.
func (m *Metrics) SetLeader(leads bool) {
	if leads {
		m.leader.Set(1)
	} else {
		m.leader.Set(0)
	}
}

// CountAdmission counts an answer to the API server.
func (m *Metrics) CountAdmission(allowed bool) {
	label := "false"
	if allowed {
		label = "true"
	}
	m.admissions.WithLabelValues(label).Inc()
}
