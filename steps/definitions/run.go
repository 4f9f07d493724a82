package definitions

import (
	"context"
	"errors"
	"net/http"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/backends"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/definitions/diagnosis"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// Run is the vocabulary with an environment in which its steps are run.
type Run struct {
	environment *steps.Environment
	subjects    []controllerSubject
	// vocabularies are those of the subjects.
	vocabularies []*vocabulary.Vocabulary
	namespaces   *world.Namespaces
	backends     *backends.Shared
}

// controllerSubject is what scenarios share that use the same ingress controller.
type controllerSubject struct {
	controller subject.Controller
	readiness  *subject.Readiness
	diagnosis  diagnosis.Source
}

// NewRun compiles the vocabulary for an environment. ScenariosIn counts the selected scenarios of each feature file, by
// URI, so that a walkthrough's objects are deleted after its last scenario. Beside the environment's ingress controller, scenarios use
// further ones, which world.WithController numbers from 1.
func NewRun(environment *steps.Environment, scenariosIn map[string]int, further ...subject.Controller) (*Run, error) {
	run := &Run{
		environment: environment, backends: backends.NewShared(environment.Objects),
		namespaces: world.NewNamespaces(environment.Objects, world.NamespacesConfig{
			Article: environment.ArticleNamespace, ScenariosIn: scenariosIn, Disposable: environment.Disposable,
		}),
	}
	for _, controller := range append([]subject.Controller{environment.Controller}, further...) {
		if err := run.addController(controller); err != nil {
			return nil, err
		}
	}
	return run, nil
}

func (r *Run) addController(controller subject.Controller) error {
	environment := *r.environment
	environment.Controller = controller
	readiness := subject.NewReadiness(environment.Objects, controller, environment.WaitPolicy, markers(&environment, r.backends))
	uses := dependenciesOf(&environment, readiness, r.backends)
	compiled, err := vocabulary.New(uses.definitions(), vocabulary.Hooks{
		Arguments: world.NewPlaceholders(&environment).ExpandArguments,
		Result:    result,
	})
	if err != nil {
		return err
	}
	r.subjects = append(r.subjects, controllerSubject{controller: controller, readiness: readiness, diagnosis: uses.diagnosis})
	r.vocabularies = append(r.vocabularies, compiled)
	return nil
}

// markers are served by an echo server that scenarios share.
func markers(environment *steps.Environment, shared *backends.Shared) *subject.Markers {
	const service = "marker"
	return &subject.Markers{
		Client: environment.Cluster.Client(),
		Backend: func(ctx context.Context) (subject.MarkerBackend, error) {
			namespace, err := shared.Service(ctx, backends.Echo, service, 1)
			return subject.MarkerBackend{Namespace: namespace, Service: service}, err
		},
	}
}

// Initialize registers the steps and hooks of one scenario; it is godog's ScenarioInitializer.
func (r *Run) Initialize(scenario *godog.ScenarioContext) {
	vocabulary.Bind(scenario, r.vocabularies, world.ControllerFrom)
	scenario.Before(r.before)
	scenario.StepContext().Before(beforeStep)
	scenario.StepContext().After(r.afterStep)
	scenario.After(r.after)
}

// before puts the scenario's state into its context.
func (r *Run) before(ctx context.Context, pickle *godog.Scenario) (context.Context, error) {
	if ctx.Err() != nil {
		return ctx, evidence.Skip(interrupted)
	}
	namespace, err := r.namespaces.Enter(ctx, pickle)
	if err != nil {
		return ctx, result(ctx, err)
	}
	return world.NewContext(ctx, &world.Scenario{
		URI: pickle.Uri, Name: pickle.Name, Protects: world.Protects(pickle), Namespace: namespace,
		Client:   &client.Client{Dialer: r.environment.Cluster.Client(), Resolver: namespace.Resolver, Header: http.Header{}},
		MostWait: r.environment.WaitPolicy.Steps,
	}), nil
}

func beforeStep(ctx context.Context, step *godog.Step) (context.Context, error) {
	if scenario := world.From(ctx); scenario != nil {
		scenario.BeginStep(step.Text)
	}
	return ctx, nil
}

func (r *Run) afterStep(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, _ error) (context.Context, error) {
	scenario := world.From(ctx)
	if scenario == nil {
		return ctx, nil
	}
	scenario.EndStep()
	if status == godog.StepFailed {
		r.subjects[world.ControllerFrom(ctx)].diagnosis.AttachFailure(ctx)
	}
	return godog.Attach(ctx, scenario.TakeEvidence()...), nil
}

func (r *Run) after(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
	scenario := world.From(ctx)
	if scenario == nil {
		return ctx, nil
	}
	return ctx, errors.Join(scenario.End(ctx), r.namespaces.Leave(ctx, scenario))
}

// Findings returns what the run observed about the controllers beside what the scenarios assert, one sentence each.
func (r *Run) Findings() []string {
	var findings []string
	for _, one := range r.subjects {
		findings = append(findings, one.readiness.Findings()...)
	}
	return findings
}

// Clean deletes what the run has created in the cluster and waits until it is gone.
func (r *Run) Clean(ctx context.Context) error {
	problems := []error{r.namespaces.StartDelete(ctx)}
	for _, one := range r.subjects {
		problems = append(problems, one.controller.Remove(ctx))
	}
	return errors.Join(append(problems, r.backends.Clean(ctx), r.namespaces.WaitGone(ctx))...)
}

// interrupted is the reason of scenarios that are skipped after an interruption.
const interrupted = "the run was interrupted"

// result skips a scenario instead of failing it if the error proves nothing against the controller: it is inconclusive,
// or a consequence of an interruption.
func result(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return evidence.Skip(interrupted)
	case world.Inconclusive(err):
		return evidence.Skip(err.Error())
	}
	if scenario := world.From(ctx); scenario != nil {
		return scenario.Portable(err)
	}
	return err
}
