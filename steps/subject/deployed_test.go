package subject_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/steps/helm"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// source is a subject.Source without a chart.
type source struct {
	render func(map[string]string) (subject.Installation, error)
}

func (source) Description() string { return "a controller" }

func (s source) Render(settings map[string]string) (subject.Installation, error) {
	return s.render(settings)
}

func (s source) RenderRelease(charts.Release, map[string]any) (subject.Installation, map[string]any, error) {
	return subject.Installation{}, nil, errors.New("no chart")
}

// A deployment waits for another one, but no longer than its context.
func TestDeploymentsAreSerialized(t *testing.T) {
	t.Parallel()
	errRender := errors.New("rendered")
	rendering, finish := make(chan struct{}), make(chan struct{})
	deployed := subject.NewDeployed(subject.Cluster{}, source{render: func(map[string]string) (subject.Installation, error) {
		rendering <- struct{}{}
		<-finish
		return subject.Installation{}, errRender
	}})
	first := make(chan error, 1)
	go func() {
		_, err := deployed.Ensure(context.Background(), nil)
		first <- err
	}()
	<-rendering
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, use := range map[string]func() error{
		"Ensure": func() error { _, err := deployed.Ensure(ctx, nil); return err },
		"Check":  func() error { return deployed.Check(ctx) },
		"Helm":   func() error { _, _, err := deployed.Helm(ctx, helm.Command{Verb: helm.List}); return err },
		"Remove": func() error { return deployed.Remove(ctx) },
	} {
		if err := use(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s gave %v during a deployment, want that its context was cancelled", name, err)
		}
	}
	if _, err := deployed.Installation(); err == nil {
		t.Error("something was deployed")
	}
	close(finish)
	if err := <-first; !errors.Is(err, errRender) {
		t.Errorf("the first deployment gave %v", err)
	}
}
