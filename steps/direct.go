package steps

import (
	"context"
	"fmt"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/echo"
)

// eachPodSays asks the Pods themselves, past every Service and Ingress, through the API server's proxy
// (Kubernetes documentation, "Access Services Running on Clusters").
func (e *echoes) eachPodSays(ctx context.Context, owner string, port int, table *godog.Table) error {
	pods, err := e.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		body, err := e.Objects.Clientset.CoreV1().Pods(pod.Namespace).
			ProxyGet("http", pod.Name, fmt.Sprint(port), "/", nil).DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("asking Pod %s on port %d: %w", pod.Name, port, err)
		}
		e.show(evidence.Text{Title: fmt.Sprintf("Pod %s, asked directly", pod.Name), Body: string(body)})
		reply, err := echo.Parse(string(body))
		if err != nil {
			return fmt.Errorf("asking Pod %s on port %d: %w", pod.Name, port, err)
		}
		if name := reply.Fields[echo.Hostname]; name != pod.Name {
			return failure("Hostname: "+pod.Name, "Hostname: "+name, "kubectl describe pod "+pod.Name)
		}
		if err := sawValues(reply, table); err != nil {
			return fmt.Errorf("pod %s: %w", pod.Name, err)
		}
	}
	return nil
}
