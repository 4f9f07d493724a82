package diagnosis

import (
	"context"
	"maps"
	"slices"

	"github.com/ingress-testbed/testbed/steps/client"
)

// maxBody is how much of a body is passed to the controller, in bytes: the rest only matters for limits of the size.
const maxBody = 16 << 10

// explanation returns what the controller does with the request of an exchange.
func (s Source) explanation(ctx context.Context, command []string, exchange client.Exchange) (string, error) {
	pod, err := s.Controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	return s.Cluster.Exec(ctx, pod.Namespace, pod.Name, append(slices.Clone(command), explainArguments(exchange)...)...)
}

// explainArguments write the request of an exchange with curl's flags.
func explainArguments(exchange client.Exchange) []string {
	request := exchange.Request
	var arguments []string
	if request.Method != "" {
		arguments = append(arguments, "--request="+request.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		for _, value := range request.Header[name] {
			arguments = append(arguments, "--header="+name+": "+value)
		}
	}
	if request.Body != "" {
		arguments = append(arguments, "--data="+request.Body[:min(len(request.Body), maxBody)])
	}
	if exchange.Local.IsValid() {
		arguments = append(arguments, "--client="+exchange.Local.Addr().String())
	}
	if exchange.Proto == "HTTP/2.0" {
		arguments = append(arguments, "--http2")
	}
	return append(arguments, "--path-as-is", "--", request.URL)
}
