package diagnosis

import (
	"context"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// attachTimeout bounds what is collected after a failure.
	attachTimeout = 10 * time.Second
	// logLines is the number of lines of the controller's log that are attached after a failure.
	logLines = 200
)

// AttachFailure attaches, after a step has failed, what world.Diagnosis names, the last exchange, and what the step's
// package has registered. What can't be collected is replaced by the reason, so that it doesn't hide the failure.
func (s Source) AttachFailure(ctx context.Context) {
	scenario := world.From(ctx)
	// The context may have ended, by the timeout of the step or an interruption.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attachTimeout)
	defer cancel()
	if last := len(scenario.Exchanges) - 1; last >= 0 {
		scenario.Attach(evidence.Text{Title: "The last request", Body: scenario.Exchanges[last].Text()})
	}
	scenario.Failed(ctx)
	namespaces := []string{scenario.Namespace.Name}
	if installation, err := s.Controller.Installation(); err == nil {
		if last := len(scenario.Exchanges) - 1; last >= 0 && installation.Explain != nil {
			attach(ctx, "What the controller does with the last request (stand-ins for endpoints answer with 200)",
				func(ctx context.Context) (string, error) {
					return s.explanation(ctx, installation.Explain, scenario.Exchanges[last])
				})
		}
		attach(ctx, "The controller's routing table", s.routingTable)
		attach(ctx, "The end of the controller's log during the scenario", func(ctx context.Context) (string, error) {
			return s.scenarioLog(ctx, scenario.Started(), scenario.Namespace.Name, logLines)
		})
		namespaces = append(namespaces, installation.Namespace)
	}
	for _, namespace := range namespaces {
		attach(ctx, "Events in namespace "+namespace, func(ctx context.Context) (string, error) { return s.Cluster.Events(ctx, namespace) })
	}
}

func attach(ctx context.Context, title string, collect func(context.Context) (string, error)) {
	body, err := collect(ctx)
	if err != nil {
		body = strings.TrimSpace(body + "\n(" + err.Error() + ")")
	}
	world.From(ctx).Attach(evidence.Text{Title: title, Body: body})
}
