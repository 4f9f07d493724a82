package controller

import (
	"k8s.io/klog/v2"

	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

// Log is an Observer that logs problems when they appear and when they are resolved, each new table at verbosity 2, and the
// decisions that led to it at verbosity 3.
type Log struct {
	known map[problem.Problem]bool
}

// Observe implements Observer.
func (l *Log) Observe(outcome Outcome) {
	if outcome.Applied {
		logDecisions(outcome.Decisions)
		klog.V(2).InfoS("Serving a new table", "hosts", len(outcome.Table.Hosts),
			"upstreams", len(outcome.Table.Upstreams), "certificates", len(outcome.Table.Certificates),
			"ingresses", len(outcome.Served), "took", outcome.Took)
		logRefused(outcome.Refused)
	}
	l.logProblems(outcome.Problems)
}

// ObserveEndpoints implements EndpointObserver.
func (l *Log) ObserveEndpoints(outcome EndpointUpdate) {
	logDecisions(outcome.Decisions)
	for _, upstream := range outcome.Upstreams {
		klog.V(2).InfoS("Serving new endpoints", "upstream", upstream.Name, "endpoints", len(upstream.Endpoints), "took", outcome.Took)
	}
	logRefused(outcome.Refused)
}

func logDecisions(decisions []decision.Decision) {
	for _, made := range decisions {
		klog.V(3).Info(made)
	}
}

func logRefused(refused []error) {
	for _, err := range refused {
		klog.ErrorS(err, "The proxy does not serve a part of the table")
	}
}

func (l *Log) logProblems(problems []problem.Problem) {
	now := make(map[problem.Problem]bool, len(problems))
	for _, found := range problems {
		now[found] = true
		if l.known[found] {
			continue
		}
		switch found.Severity {
		case problem.Error:
			klog.Error(found)
		case problem.Warning:
			klog.Warning(found)
		case problem.Notice:
			klog.Info(found)
		}
	}
	for found := range l.known {
		if !now[found] {
			klog.V(2).InfoS("Problem solved", "problem", found)
		}
	}
	l.known = now
}
