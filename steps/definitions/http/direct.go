package http

import (
	"context"
	"errors"
	"fmt"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/echo"
	"github.com/ingress-testbed/testbed/steps/world"
)

// eachPodSays makes a request to each Pod, without a Service or an Ingress, through the proxy of the API server
// (Kubernetes documentation, "Access Services Running on Clusters").
func (e echoes) eachPodSays(ctx context.Context, owner string, port int, table *godog.Table) error {
	scenario := world.From(ctx)
	namespace, name := scenario.QualifyPods(owner)
	pods, err := e.pods.PodsOf(ctx, namespace, name)
	if err != nil {
		return err
	}
	var problems []error
	for _, pod := range pods {
		body, err := e.pods.GetFromPod(ctx, pod.Namespace, pod.Name, port, "/")
		if err != nil {
			return err
		}
		scenario.Attach(evidence.Text{Title: "The response of Pod " + pod.Name, Body: body})
		reply, err := echo.Parse(body)
		if err != nil {
			return fmt.Errorf("parsing the response of Pod %s on port %d: %w", pod.Name, port, err)
		}
		if name := reply.Fields[echo.Hostname]; name != pod.Name {
			problems = append(problems, world.Failure("Hostname: "+pod.Name, "Hostname: "+name, "kubectl describe pod "+pod.Name))
		}
		if err := expectValues(reply, table); err != nil {
			problems = append(problems, fmt.Errorf("the response of Pod %s: %w", pod.Name, err))
		}
	}
	return errors.Join(problems...)
}
