package steps

import (
	"context"
	"errors"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// scenario is the state that the subjects of one scenario share.
type scenario struct {
	*Environment
	uri   string
	name  string
	place *place
	// exchanges of the last step that made requests.
	exchanges []client.Exchange
	client    *client.Client
	evidence  []godog.Attachment
	// onFailure is called after a step failed, to show what was gathered so far.
	onFailure []func(context.Context)
}

// show attaches evidence to the step that runs.
func (s *scenario) show(shown ...evidence.Evidence) {
	for _, one := range shown {
		s.evidence = append(s.evidence, one.Attachment())
	}
}

// Suite is the vocabulary, bound to an environment.
type Suite struct {
	Environment *Environment
	// ScenariosIn counts the selected scenarios of each feature file, by the URI of its pickles.
	ScenariosIn map[string]int
}

// Vocabulary lists all steps, for checks and for people. It may be called on a Suite without an environment.
func (s Suite) Vocabulary() (*vocabulary.Vocabulary, error) {
	words, _, err := s.subjects()
	return words, err
}

func (s Suite) subjects() (*vocabulary.Vocabulary, *scenario, error) {
	environment := s.Environment
	if environment == nil {
		environment = &Environment{} // of the definitions alone, none is run
	}
	state := &scenario{Environment: environment, client: &client.Client{}}
	words, err := vocabulary.New(
		&nodes{state}, &deployment{state}, &declarations{state}, &commands{scenario: state}, &services{state}, &logs{state},
		&requests{scenario: state}, &responses{state}, &echoes{state}, &distribution{state}, &handshakes{state},
		&packets{scenario: state}, &websockets{scenario: state}, &load{scenario: state},
	)
	return words, state, err
}

// Initialize registers the steps and hooks of one scenario; it is godog's ScenarioInitializer.
func (s Suite) Initialize(godogScenario *godog.ScenarioContext) error {
	words, state, err := s.subjects()
	if err != nil {
		return err
	}
	words.Bind(godogScenario, vocabulary.Around{Arguments: state.expandAll, Result: verdict})
	godogScenario.Before(func(ctx context.Context, pickle *godog.Scenario) (context.Context, error) {
		return ctx, state.enter(ctx, pickle, s.ScenariosIn[pickle.Uri])
	})
	godogScenario.StepContext().After(func(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, _ error) (context.Context, error) {
		if status == godog.StepFailed {
			state.diagnose(ctx)
		}
		ctx = godog.Attach(ctx, state.evidence...)
		state.evidence = nil
		return ctx, nil
	})
	godogScenario.After(func(ctx context.Context, _ *godog.Scenario, _ error) (context.Context, error) {
		if state.place == nil {
			return ctx, nil
		}
		return ctx, state.leave(ctx, state.uri, state.place)
	})
	return nil
}

func (s *scenario) enter(ctx context.Context, pickle *messages.Pickle, scenariosInFile int) error {
	if ctx.Err() != nil {
		return evidence.Skip(interrupted)
	}
	place, err := s.placeOf(ctx, pickle, scenariosInFile)
	if err != nil {
		return verdict(ctx, err)
	}
	s.uri, s.name, s.place = pickle.Uri, pickle.Name, place
	s.client = &client.Client{Dialer: s.Cluster.Client(), Names: place.names, Header: map[string][]string{}}
	return nil
}

// interrupted is why scenarios are skipped after Ctrl-C.
const interrupted = "the run was interrupted"

// verdict turns what proves nothing against the controller into a skipped scenario, with the reason: what the cluster
// or a controller that isn't the test-bed's own can't show, and what went wrong because the run was interrupted.
func verdict(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return evidence.Skip(interrupted)
	case cantBeShown(err):
		return evidence.Skip(err.Error())
	}
	return err
}

// cantBeShown tells what neither passes nor fails.
func cantBeShown(err error) bool {
	return errors.Is(err, clusters.ErrUnsupported) || errors.Is(err, errOwnOnly)
}
