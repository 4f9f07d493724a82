package kubernetes

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// helmSteps run Helm commands about the ingress controller.
type helmSteps struct {
	controller Controller
	readiness  Readiness
	features   fs.FS
}

func (h helmSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the file "([^"]*)" has:`,
			Example: `the file "values.yaml" has:`,
			Handler: writeFile,
		},
		{
			Pattern: `I run "(helm .*)"`,
			Example: `I run "helm upgrade --install ingress-nginx ingress-nginx/ingress-nginx -f values.yaml"`,
			Handler: h.run,
			Uses:    vocabulary.Controller,
		},
	}
}

// writtenKey is the context key of the contents of the files that steps have written, by name.
type writtenKey struct{}

// writeFile stores a file for the commands of the scenario.
func writeFile(ctx context.Context, name string, content *godog.DocString) (context.Context, error) {
	written := map[string]string{}
	if earlier, ok := ctx.Value(writtenKey{}).(map[string]string); ok {
		maps.Copy(written, earlier)
	}
	written[name] = content.Content
	return context.WithValue(ctx, writtenKey{}, written), nil
}

// read returns a file that a step has written, or else one beside the feature file.
func (h helmSteps) read(ctx context.Context, name string) ([]byte, error) {
	if written, ok := ctx.Value(writtenKey{}).(map[string]string); ok {
		if content, ok := written[name]; ok {
			return []byte(content), nil
		}
	}
	uri, _, _ := strings.Cut(world.From(ctx).URI, ".feature:")
	return fs.ReadFile(h.features, path.Join(path.Dir(uri), name))
}

// run runs a command, which must succeed, and stores its output in the context. Requests go to the controller that it
// deploys.
func (h helmSteps) run(ctx context.Context, line string) (context.Context, error) {
	parsed, err := helm.Parse(line, func(name string) ([]byte, error) { return h.read(ctx, name) })
	if err != nil {
		return ctx, err
	}
	output, entry, err := h.controller.Helm(ctx, parsed)
	if output != "" {
		world.From(ctx).Attach(evidence.Text{Title: line, Body: output})
	}
	if err != nil {
		return ctx, err
	}
	if entry != (client.Entry{}) {
		h.readiness.SetDeployed(map[string]string{"helm": fmt.Sprint(parsed.Values)}, entry)
		world.From(ctx).Namespace.Resolver.SetEntry(entry)
	}
	return context.WithValue(ctx, commandKey{}, command{line, kubectl.Output{Stdout: output}}), nil
}
