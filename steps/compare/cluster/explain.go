package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
)

// maxExplainedBody is the largest body that is passed to the controller's command, in bytes: arguments of commands are part of a URL.
const maxExplainedBody = 16 << 10

// Explain implements compare.Explainer: a Pod of the test-bed's own controller explains what it does. Other controllers have no such
// command.
func (s *session) Explain(ctx context.Context, probe *derive.Probe) (string, error) {
	controller := s.target.Environment.Controller
	installation, err := controller.Installation()
	if err != nil {
		return "", err
	}
	if installation.Explain == nil {
		return "", fmt.Errorf("%s explains nothing: %w", controller.Description(), compare.ErrUnsupported)
	}
	arguments, err := explained(probe, s.ClientAddresses(probe.From, 0))
	if err != nil {
		return "", err
	}
	pod, err := controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	text, err := s.target.Environment.Objects.Workloads.Exec(ctx, pod.Namespace, pod.Name, append(slices.Clone(installation.Explain), arguments...)...)
	return s.prefix.remove(text), err
}

// explained is a probe with curl's flags, and the addresses of the client that are known.
func explained(probe *derive.Probe, clients []string) ([]string, error) {
	r := probe.Request
	switch {
	case !probe.IsURL():
		return nil, fmt.Errorf("a request that no URL describes: %w", compare.ErrUnsupported)
	case r.ClientCertificate != "":
		return nil, fmt.Errorf("the certificate of the client isn't in the controller's Pod: %w", compare.ErrUnsupported)
	case r.BodyBytes > maxExplainedBody:
		return nil, fmt.Errorf("a body of %d bytes: %w", r.BodyBytes, compare.ErrUnsupported)
	}
	scheme := "http"
	if r.HTTPS {
		scheme = "https"
	}
	arguments := []string{"--header=User-Agent: probe"}
	if r.Method != "" {
		arguments = append(arguments, "--request="+r.Method)
	}
	for _, line := range r.Headers {
		arguments = append(arguments, "--header="+line)
	}
	if r.BodyBytes > 0 {
		arguments = append(arguments, "--data="+strings.Repeat("x", r.BodyBytes))
	}
	for _, address := range clients {
		arguments = append(arguments, "--client="+address)
	}
	if r.HTTP2 {
		arguments = append(arguments, "--http2")
	}
	return append(arguments, "--path-as-is", "--", scheme+"://"+r.Host+r.Target), nil
}
