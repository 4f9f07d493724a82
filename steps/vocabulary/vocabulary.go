// Package vocabulary keeps step definitions as data, so that they can be listed, and feature files checked against them
// before a cluster is started.
package vocabulary

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
)

// Definition is a step of the vocabulary.
type Definition struct {
	// Pattern is a regular expression (RE2) for the whole step. Its groups are the handler's arguments.
	Pattern string
	// Example is a step that matches Pattern, for lists and suggestions.
	Example string
	// Handler is a function that takes a context.Context, one argument for each group (string, int or float64), and a
	// *godog.DocString or *godog.Table if the step has one. It returns an error, or a context.Context for the following
	// steps and an error.
	Handler any
	// Uses is what the step changes or measures of what scenarios share.
	Uses Shared
}

// Shared is what scenarios share, and a step changes or measures.
type Shared int

const (
	// Nothing is what most steps change: their scenario has a namespace and hosts of its own.
	Nothing Shared = iota
	// Settings are those of the ingress controller. The step's table has them.
	Settings
	// Controller is the ingress controller that the scenario uses, in another way than by its settings.
	Controller
	// Cluster is what all controllers share: nodes, the network, and the time that the machine has for measurements.
	Cluster
)

// Hooks are called around every handler; nil hooks do nothing.
type Hooks struct {
	// Arguments may change a handler's arguments (strings, *godog.DocString and *godog.Table).
	Arguments func(ctx context.Context, arguments []reflect.Value) error
	// Result may change the error of a handler or of Arguments.
	Result func(ctx context.Context, err error) error
}

// Vocabulary is a compiled set of definitions. It may be used from several goroutines.
type Vocabulary struct {
	definitions []compiled
}

type compiled struct {
	Definition
	expression *regexp.Regexp
	wrapped    any // the handler with the hooks
}

// New compiles definitions. It is an error if a pattern is not a regular expression or doesn't match its example, or if
// a handler doesn't have the parameters and results that Definition describes.
func New(definitions []Definition, hooks Hooks) (*Vocabulary, error) {
	vocabulary := &Vocabulary{}
	for _, definition := range definitions {
		expression, err := regexp.Compile("^" + definition.Pattern + "$")
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", definition.Pattern, err)
		}
		if !expression.MatchString(definition.Example) {
			return nil, fmt.Errorf("step %q doesn't match its example %q", definition.Pattern, definition.Example)
		}
		if err := checkHandler(definition.Handler, expression.NumSubexp()); err != nil {
			return nil, fmt.Errorf("step %q: %w", definition.Pattern, err)
		}
		vocabulary.definitions = append(vocabulary.definitions, compiled{definition, expression, wrap(definition.Handler, hooks)})
	}
	return vocabulary, nil
}

// Examples lists a step for each definition, in the order in which they were given.
func (v *Vocabulary) Examples() []string {
	examples := make([]string, 0, len(v.definitions))
	for _, definition := range v.definitions {
		examples = append(examples, definition.Example)
	}
	return examples
}

// Uses returns the steps that change or measure what scenarios share, by what they do so with.
func (v *Vocabulary) Uses(steps []*messages.PickleStep) map[Shared][]*messages.PickleStep {
	uses := map[Shared][]*messages.PickleStep{}
	for _, step := range steps {
		for _, definition := range v.definitions {
			if definition.Uses != Nothing && definition.expression.MatchString(step.Text) {
				uses[definition.Uses] = append(uses[definition.Uses], step)
				break
			}
		}
	}
	return uses
}

// Bind registers all definitions with a scenario. The handlers are those of the vocabulary that choose selects when a step runs;
// all have the definitions of the first.
func Bind(scenario *godog.ScenarioContext, vocabularies []*Vocabulary, choose func(context.Context) int) {
	for i, definition := range vocabularies[0].definitions {
		handlers := make([]reflect.Value, 0, len(vocabularies))
		for _, vocabulary := range vocabularies {
			handlers = append(handlers, reflect.ValueOf(vocabulary.definitions[i].wrapped))
		}
		chosen := reflect.MakeFunc(handlers[0].Type(), func(arguments []reflect.Value) []reflect.Value {
			ctx, _ := arguments[0].Interface().(context.Context)
			return handlers[choose(ctx)].Call(arguments)
		})
		scenario.Step(definition.expression, chosen.Interface())
	}
}

// wrap returns a function of the handler's type, from which godog derives how to call it, that also calls the hooks.
func wrap(handler any, hooks Hooks) any {
	inner := reflect.ValueOf(handler)
	outer := reflect.MakeFunc(inner.Type(), func(arguments []reflect.Value) []reflect.Value {
		ctx, _ := arguments[0].Interface().(context.Context)
		results := make([]reflect.Value, inner.Type().NumOut())
		results[0] = arguments[0] // the context for the following steps, unless the handler returns another
		var err error
		if hooks.Arguments != nil {
			err = hooks.Arguments(ctx, arguments[1:])
		}
		last := len(results) - 1
		if err == nil {
			results = inner.Call(arguments)
			err, _ = results[last].Interface().(error)
		}
		if hooks.Result != nil {
			err = hooks.Result(ctx, err)
		}
		results[last] = reflect.ValueOf(&err).Elem()
		return results
	})
	return outer.Interface()
}

func checkHandler(handler any, groups int) error {
	kind := reflect.TypeOf(handler)
	if kind == nil || kind.Kind() != reflect.Func {
		return fmt.Errorf("the handler is a %T, not a function", handler)
	}
	if kind.NumIn() == 0 || kind.In(0) != reflect.TypeFor[context.Context]() {
		return fmt.Errorf("the first parameter of the handler %s is not a context", kind)
	}
	returnsContext := kind.NumOut() == 2 && kind.Out(0) == reflect.TypeFor[context.Context]()
	if kind.NumOut() != 1 && !returnsContext || kind.Out(kind.NumOut()-1) != reflect.TypeFor[error]() {
		return fmt.Errorf("the handler %s returns neither an error, nor a context and an error", kind)
	}
	// The types that the pattern's groups are converted to. godog supports more, and reports others only when a step runs.
	argumentTypes := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[float64]()}
	for i := 1; i < kind.NumIn(); i++ {
		if !slices.Contains(argumentTypes, kind.In(i)) && (i != kind.NumIn()-1 || !takesBlock(kind)) {
			return fmt.Errorf("the handler has a parameter of type %s, which is none of %s", kind.In(i), argumentTypes)
		}
	}
	taken := kind.NumIn() - 1
	if taken > 0 && takesBlock(kind) {
		taken--
	}
	if taken != groups {
		return fmt.Errorf("the pattern has %d groups, but the handler %s takes %d", groups, kind, taken)
	}
	return nil
}

// takesBlock reports whether the handler takes a doc string or a table.
func takesBlock(handler reflect.Type) bool {
	switch handler.In(handler.NumIn() - 1) {
	case reflect.TypeFor[*godog.DocString](), reflect.TypeFor[*godog.Table]():
		return true
	}
	return false
}
