// Package vocabulary holds step definitions as data. Beside being handed to godog, they can be listed, and feature
// files can be checked against them before anything is started.
package vocabulary

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/cucumber/godog"
)

// Definition is one step of the vocabulary.
type Definition struct {
	// Pattern is the regular expression (RE2) of the whole step. Its groups are the handler's arguments.
	Pattern string
	// Example is a step that matches Pattern, for lists and suggestions.
	Example string
	// Handler is a function that takes a context.Context, one argument for each group, and a *godog.DocString or
	// *godog.Table where the step has one, and returns an error.
	Handler any
}

// Subject is a set of steps about one subject, with the state of one scenario.
type Subject interface {
	Definitions() []Definition
}

// Vocabulary is all definitions that a suite knows.
type Vocabulary struct {
	definitions []compiled
}

type compiled struct {
	Definition
	expression *regexp.Regexp
}

// New collects the definitions of all subjects. It returns an error where one of them is not usable: a pattern that
// is not a regular expression or doesn't match its own example, or a handler that doesn't fit it.
func New(subjects ...Subject) (*Vocabulary, error) {
	vocabulary := &Vocabulary{}
	for _, subject := range subjects {
		for _, definition := range subject.Definitions() {
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
			vocabulary.definitions = append(vocabulary.definitions, compiled{definition, expression})
		}
	}
	return vocabulary, nil
}

// Examples lists a step for each definition, in the order of the subjects.
func (v *Vocabulary) Examples() []string {
	examples := make([]string, 0, len(v.definitions))
	for _, definition := range v.definitions {
		examples = append(examples, definition.Example)
	}
	return examples
}

// Around is called with every step: it may change the arguments (strings, *godog.DocString and *godog.Table) before
// the handler gets them, and the error that the handler returned.
type Around struct {
	Arguments func(ctx context.Context, arguments []reflect.Value) error
	Result    func(ctx context.Context, err error) error
}

// Bind registers all definitions with a scenario.
func (v *Vocabulary) Bind(scenario *godog.ScenarioContext, around Around) {
	for _, definition := range v.definitions {
		scenario.Step(definition.expression, wrap(definition.Handler, around))
	}
}

// wrap makes a function of the handler's own type, because godog finds out from the type how to call it.
func wrap(handler any, around Around) any {
	inner := reflect.ValueOf(handler)
	outer := reflect.MakeFunc(inner.Type(), func(arguments []reflect.Value) []reflect.Value {
		ctx, _ := arguments[0].Interface().(context.Context)
		err := around.Arguments(ctx, arguments[1:])
		if err == nil {
			err, _ = inner.Call(arguments)[0].Interface().(error)
		}
		if err = around.Result(ctx, err); err == nil {
			return []reflect.Value{reflect.Zero(reflect.TypeFor[error]())}
		}
		return []reflect.Value{reflect.ValueOf(&err).Elem()}
	})
	return outer.Interface()
}

func checkHandler(handler any, groups int) error {
	kind := reflect.TypeOf(handler)
	if kind == nil || kind.Kind() != reflect.Func {
		return fmt.Errorf("the handler is a %T, not a function", handler)
	}
	if kind.NumIn() == 0 || kind.In(0).String() != "context.Context" {
		return fmt.Errorf("the handler %s doesn't take a context first", kind)
	}
	if kind.NumOut() != 1 || kind.Out(0) != reflect.TypeFor[error]() {
		return fmt.Errorf("the handler %s doesn't return just an error", kind)
	}
	// What the vocabulary makes of a pattern's groups. godog knows more types, and fails late on others.
	argumentTypes := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[float64]()}
	for i := 1; i < kind.NumIn(); i++ {
		if !slices.Contains(argumentTypes, kind.In(i)) && (i != kind.NumIn()-1 || !takesBlock(kind)) {
			return fmt.Errorf("the handler takes a %s, which is none of %s", kind.In(i), argumentTypes)
		}
	}
	taken := kind.NumIn() - 1
	if taken > 0 && takesBlock(kind) {
		taken--
	}
	if taken != groups {
		return fmt.Errorf("the pattern has %d groups and the handler %s takes %d", groups, kind, taken)
	}
	return nil
}

// takesBlock tells whether the handler wants a doc string or a table.
func takesBlock(handler reflect.Type) bool {
	switch handler.In(handler.NumIn() - 1) {
	case reflect.TypeFor[*godog.DocString](), reflect.TypeFor[*godog.Table]():
		return true
	}
	return false
}
