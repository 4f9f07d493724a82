// Package world is the state of one scenario: its namespace, its client and requests, the evidence for the report, and
// the placeholders in its steps. It travels in the scenario's context.
package world

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// Scenario is the state of one scenario. Its steps run one after the other, so that it needs no locks.
type Scenario struct {
	// URI of the feature file, and name of the scenario.
	URI, Name string
	// Protects is whether the scenario has the tag ProtectionTag.
	Protects  bool
	Namespace *Namespace
	// Client outside the cluster.
	Client *client.Client
	// Exchanges of the last step that made requests.
	Exchanges []client.Exchange
	// MostWait bounds Eventually; 0 leaves that to the steps.
	MostWait time.Duration

	sharedPods map[string]sharedPods // by Service

	steps     []Step
	evidence  []godog.Attachment
	onFailure []func(context.Context)
	atEnd     []func(context.Context) error
}

type contextKey struct{}

// controllerKey is the context key of WithController.
type controllerKey struct{}

// WithController returns a context with the index of the ingress controller that a scenario uses, of those of the run.
func WithController(ctx context.Context, index int) context.Context {
	return context.WithValue(ctx, controllerKey{}, index)
}

// ControllerFrom returns the index of the ingress controller that a scenario uses: 0, the first one, without WithController.
func ControllerFrom(ctx context.Context) int {
	index, _ := ctx.Value(controllerKey{}).(int)
	return index
}

// NewContext returns a context with the scenario.
func NewContext(ctx context.Context, scenario *Scenario) context.Context {
	return context.WithValue(ctx, contextKey{}, scenario)
}

// From returns the scenario of a context. It is nil outside of scenarios, and in one whose set-up failed.
func From(ctx context.Context) *Scenario {
	scenario, _ := ctx.Value(contextKey{}).(*Scenario)
	return scenario
}

// Qualify splits "NAMESPACE/NAME"; a name alone is in the scenario's namespace.
func (s *Scenario) Qualify(object string) (namespace, name string) {
	if namespace, name, qualified := strings.Cut(object, "/"); qualified {
		return namespace, name
	}
	return s.Namespace.Name, object
}

// sharedPods is the Deployment of backends that scenarios share.
type sharedPods struct{ namespace, deployment string }

// SharePods makes the name of a Service stand for the Pods of a Deployment in another namespace.
func (s *Scenario) SharePods(service, namespace, deployment string) {
	if s.sharedPods == nil {
		s.sharedPods = map[string]sharedPods{}
	}
	s.sharedPods[service] = sharedPods{namespace, deployment}
}

// QualifyPods is Qualify for a Deployment or Pod: the name of a Service with shared backends stands for their Deployment.
func (s *Scenario) QualifyPods(owner string) (namespace, name string) {
	if shared, found := s.sharedPods[owner]; found {
		return shared.namespace, shared.deployment
	}
	return s.Qualify(owner)
}

// Last returns the last exchange. It is an error if there is none, or if it has no response.
func (s *Scenario) Last() (client.Exchange, error) {
	if len(s.Exchanges) == 0 || s.Exchanges[len(s.Exchanges)-1].Status == 0 {
		return client.Exchange{}, errors.New("there is no response: an earlier step must make a request")
	}
	return s.Exchanges[len(s.Exchanges)-1], nil
}

// Step is a step that has begun.
type Step struct {
	Text           string    // as in the feature file
	Started, Ended time.Time // Ended is zero while it runs
}

// BeginStep records that a step begins.
func (s *Scenario) BeginStep(text string) {
	s.steps = append(s.steps, Step{Text: text, Started: time.Now()})
}

// EndStep records that the step that is running has ended.
func (s *Scenario) EndStep() {
	if len(s.steps) > 0 {
		s.steps[len(s.steps)-1].Ended = time.Now()
	}
}

// Started is when the first step began.
func (s *Scenario) Started() time.Time {
	if len(s.steps) == 0 {
		return time.Now()
	}
	return s.steps[0].Started
}

// Steps returns the steps that have begun, in order.
func (s *Scenario) Steps() []Step { return slices.Clone(s.steps) }

// Attach attaches evidence to the step that is running.
func (s *Scenario) Attach(items ...evidence.Evidence) {
	for _, item := range items {
		s.evidence = append(s.evidence, item.Attachment())
	}
}

// TakeEvidence returns the evidence of the step that is running, and leaves none for the next.
func (s *Scenario) TakeEvidence() []godog.Attachment {
	taken := s.evidence
	s.evidence = nil
	return taken
}

// OnFailure registers a function that attaches evidence after a step has failed.
func (s *Scenario) OnFailure(attach func(context.Context)) { s.onFailure = append(s.onFailure, attach) }

// Failed calls the functions that OnFailure registered, in order.
func (s *Scenario) Failed(ctx context.Context) {
	for _, attach := range s.onFailure {
		attach(ctx)
	}
}

// endTimeout bounds what is done at the end of a scenario.
const endTimeout = time.Minute

// AtEnd registers a function that is called when the scenario has ended, whether it passed or failed.
func (s *Scenario) AtEnd(undo func(context.Context) error) { s.atEnd = append(s.atEnd, undo) }

// End calls the functions that AtEnd registered, the last one first, also if ctx has ended.
func (s *Scenario) End(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	var errs []error
	for _, undo := range slices.Backward(s.atEnd) {
		errs = append(errs, undo(ctx))
	}
	s.atEnd = nil
	return errors.Join(errs...)
}

// retryInterval is the time between two attempts of Eventually.
const retryInterval = 200 * time.Millisecond

// Eventually tries until there is no error, and returns the last error after the limit or MostWait. It doesn't retry an inconclusive
// error. Only the evidence of the last attempt is kept.
func (s *Scenario) Eventually(ctx context.Context, limit time.Duration, try func(context.Context) error) error {
	if s.MostWait > 0 {
		limit = min(limit, s.MostWait)
	}
	before := len(s.evidence)
	var last error
	err := wait.PollUntilContextTimeout(ctx, retryInterval, limit, true, func(context.Context) (bool, error) {
		s.evidence = s.evidence[:before]
		last = try(ctx) // the limit bounds the number of attempts, and doesn't cancel one
		return last == nil || Inconclusive(last), nil
	})
	if last != nil {
		return last
	}
	return err
}

// ErrInconclusive is wrapped by the error of a step whose observation proves nothing about the controller.
var ErrInconclusive = errors.New("inconclusive")

// Inconclusive reports whether an error neither passes nor fails a scenario: it needs something that the cluster or an
// existing controller doesn't support, or it wraps ErrInconclusive.
func Inconclusive(err error) bool {
	return errors.Is(err, clusters.ErrUnsupported) || errors.Is(err, subject.ErrTestbedOnly) || errors.Is(err, ErrInconclusive)
}

// Diagnosis names the evidence that is attached after a failure.
const Diagnosis = "the explanation of the request, the controller's log and routing table and the events, attached to this step"

// Failure returns the error of a step that observed something else than it expected, though not in an answer to a request.
// References name what helps to find the reason.
func Failure(expected, observed string, references ...string) error {
	return AnswerFailure(effect.None, expected, observed, references...)
}

// AnswerFailure is Failure for an answer to a request, or for what its backend got; the effect is what the failure means.
func AnswerFailure(meaning effect.Effect, expected, observed string, references ...string) error {
	return &evidence.Failure{Expected: expected, Seen: observed, Look: references, Effect: meaning}
}
