package controller

import (
	"k8s.io/klog/v2"

	"github.com/ingress-testbed/testbed/controller/translate"
)

// Log is an Observer that writes the controller's log: problems when they come up and when they are gone, each new
// table at verbosity 2, and how it came about at verbosity 3.
type Log struct {
	known map[translate.Problem]bool
}

// Observe implements Observer.
func (l *Log) Observe(outcome Outcome) {
	if outcome.Applied {
		for _, decision := range outcome.Decisions {
			klog.V(3).Info(decision)
		}
		klog.V(2).InfoS("Serving a new table", "hosts", len(outcome.Table.Hosts),
			"upstreams", len(outcome.Table.Upstreams), "certificates", len(outcome.Table.Certificates),
			"ingresses", len(outcome.Served), "took", outcome.Took)
		for _, err := range outcome.Refused {
			klog.ErrorS(err, "The proxy does not serve a part of the table")
		}
	}
	l.logProblems(outcome.Problems)
}

func (l *Log) logProblems(problems []translate.Problem) {
	now := make(map[translate.Problem]bool, len(problems))
	for _, problem := range problems {
		now[problem] = true
		if l.known[problem] {
			continue
		}
		switch problem.Severity {
		case translate.Error:
			klog.Error(problem)
		case translate.Warning:
			klog.Warning(problem)
		case translate.Notice:
			klog.Info(problem)
		}
	}
	for problem := range l.known {
		if !now[problem] {
			klog.V(2).InfoS("Problem solved", "problem", problem)
		}
	}
	l.known = now
}
