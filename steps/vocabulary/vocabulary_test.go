package vocabulary_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

func plain(context.Context) error { return nil }

func requests() []vocabulary.Definition {
	return []vocabulary.Definition{
		{Pattern: `the client requests "([^"]*)"`, Example: `the client requests "http://gyull.com/"`, Handler: func(context.Context, string) error { return nil }},
		{Pattern: `the client requests "([^"]*)" (\d+) times`, Example: `the client requests "http://gyull.com/" 100 times`, Handler: func(context.Context, string, int) error { return nil }},
		{Pattern: `these objects:`, Example: `these objects:`, Handler: func(context.Context, *godog.DocString) error { return nil }},
		{Pattern: `the echo server saw:`, Example: `the echo server saw:`, Handler: func(context.Context, *godog.Table) error { return nil }},
		{Pattern: `the response (?:code|status) is (\d+)`, Example: `the response status is 200`, Handler: func(context.Context, int) error { return nil }},
		{Pattern: `the response code is (.+)`, Example: `the response code is OK`, Handler: func(context.Context, string) error { return nil }},
	}
}

func build(t *testing.T, definitions []vocabulary.Definition, hooks vocabulary.Hooks) *vocabulary.Vocabulary {
	t.Helper()
	built, err := vocabulary.New(definitions, hooks)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestCheck(t *testing.T) {
	known := build(t, requests(), vocabulary.Hooks{})
	text := &messages.PickleStepArgument{DocString: &messages.PickleDocString{}}
	table := &messages.PickleStepArgument{DataTable: &messages.PickleTable{}}
	for _, test := range []struct {
		step     string
		argument *messages.PickleStepArgument
		problem  string
	}{
		{`the client requests "x"`, nil, ""},
		{`the client requests "x" 5 times`, nil, ""},
		{`these objects:`, text, ""},
		{`the echo server saw:`, table, ""},
		{`the response status is 200`, nil, ""},
		{`the response code is 200`, nil, "ambiguous"},
		{`the client request "x"`, nil, `did you mean: the client requests "http://gyull.com/"`},
		{`a walrus appears`, nil, "there is no step"},
		{`these objects:`, nil, "needs a doc string"},
		{`these objects:`, table, "needs a doc string"},
		{`the echo server saw:`, text, "needs a table"},
		{`the response status is 200`, table, "takes no doc string or table"},
		{`and the client requests "x"`, nil, "there is no step"},
	} {
		err := known.Check(&messages.PickleStep{Text: test.step, Argument: test.argument})
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", test.step, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: error %v, want one with %q", test.step, err, test.problem)
		}
	}
	var problem vocabulary.Problem
	if err := known.Check(&messages.PickleStep{Text: "a walrus appears"}); !errors.As(err, &problem) || len(problem.Suggestions) != 0 {
		t.Errorf("a step that is like no other got suggestions: %v", err)
	}
}

func TestNewRejectsInvalidDefinitions(t *testing.T) {
	for name, definition := range map[string]vocabulary.Definition{
		"bad expression":    {Pattern: `(`, Example: `(`, Handler: plain},
		"wrong example":     {Pattern: `a`, Example: `b`, Handler: plain},
		"no function":       {Pattern: `a`, Example: `a`, Handler: 1},
		"nil":               {Pattern: `a`, Example: `a`},
		"no context":        {Pattern: `a`, Example: `a`, Handler: func() error { return nil }},
		"no error":          {Pattern: `a`, Example: `a`, Handler: func(context.Context) {}},
		"only a context":    {Pattern: `a`, Example: `a`, Handler: func(ctx context.Context) context.Context { return ctx }},
		"two errors":        {Pattern: `a`, Example: `a`, Handler: func(context.Context) (error, error) { return nil, nil }},
		"too few arguments": {Pattern: `(a)`, Example: `a`, Handler: plain},
		"wrong argument":    {Pattern: `(a)`, Example: `a`, Handler: func(context.Context, uint16) error { return nil }},
		"too many":          {Pattern: `a`, Example: `a`, Handler: func(context.Context, string) error { return nil }},
	} {
		if _, err := vocabulary.New([]vocabulary.Definition{definition}, vocabulary.Hooks{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUses(t *testing.T) {
	definitions := requests()
	definitions[1].Uses = vocabulary.Cluster
	known := build(t, definitions, vocabulary.Hooks{})
	for text, want := range map[string]bool{
		`the client requests "http://gyull.com/" 100 times`: true, `the client requests "http://gyull.com/"`: false, "unknown": false,
	} {
		step := &messages.PickleStep{Text: text}
		uses := known.Uses([]*messages.PickleStep{{Text: "the response status is 200"}, step})
		if got := slices.Contains(uses[vocabulary.Cluster], step); got != want || len(uses) > 1 {
			t.Errorf("the step %q uses the cluster: %v, want %v; %v", text, got, want, uses)
		}
	}
}

func TestBind(t *testing.T) {
	errWrong, errRefused := errors.New("wrong"), errors.New("refused")
	var got []string
	type key struct{}
	definitions := []vocabulary.Definition{
		{Pattern: `I say "([^"]*)"`, Example: `I say "a"`, Handler: func(_ context.Context, text string) error { got = append(got, text); return nil }},
		{Pattern: `I remember "([^"]*)"`, Example: `I remember "a"`, Handler: func(ctx context.Context, text string) (context.Context, error) {
			return context.WithValue(ctx, key{}, text), errWrong
		}},
		{Pattern: `it fails`, Example: `it fails`, Handler: func(ctx context.Context) error { got = append(got, ctx.Value(key{}).(string)); return errWrong }},
	}
	var results []error
	known := build(t, definitions, vocabulary.Hooks{
		Arguments: func(_ context.Context, arguments []reflect.Value) error {
			for i := range arguments {
				if arguments[i].String() == "refused" {
					return errRefused
				}
				arguments[i] = reflect.ValueOf(strings.ToUpper(arguments[i].String()))
			}
			return nil
		},
		Result: func(_ context.Context, err error) error { results = append(results, err); return nil },
	})
	unused := build(t, definitions, vocabulary.Hooks{Arguments: func(context.Context, []reflect.Value) error {
		t.Error("another vocabulary's handler was called")
		return nil
	}})
	suite := godog.TestSuite{
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			vocabulary.Bind(scenario, []*vocabulary.Vocabulary{unused, known}, func(context.Context) int { return 1 })
		},
		Options: &godog.Options{
			Strict: true, Format: "progress", Output: io.Discard,
			FeatureContents: []godog.Feature{{Name: "a.feature", Contents: []byte(
				"Feature: f\n Scenario: s\n  Given I say \"hello\"\n  And I remember \"me\"\n  And I remember \"refused\"\n  Then it fails\n")}},
		},
	}
	if status := suite.Run(); status != 0 {
		t.Errorf("the run ended with %d, though Result dropped the error", status)
	}
	if want := []string{"HELLO", "ME"}; !slices.Equal(got, want) { // the context of a step is kept, whatever its error and that of the next
		t.Errorf("the handlers got %q, want %q", got, want)
	}
	if want := []error{nil, errWrong, errRefused, errWrong}; !slices.Equal(results, want) {
		t.Errorf("results are %v, want %v", results, want)
	}
	if examples := known.Examples(); len(examples) != 3 || examples[2] != "it fails" {
		t.Errorf("examples are %q", examples)
	}
}
