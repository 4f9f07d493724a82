package vocabulary_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

type subject []vocabulary.Definition

func (s subject) Definitions() []vocabulary.Definition { return s }

func plain(context.Context) error { return nil }

func requests() subject {
	return subject{
		{`the client requests "([^"]*)"`, `the client requests "http://gyull.com/"`, func(context.Context, string) error { return nil }},
		{`the client requests "([^"]*)" (\d+) times`, `the client requests "http://gyull.com/" 100 times`, func(context.Context, string, int) error { return nil }},
		{`these objects:`, `these objects:`, func(context.Context, *godog.DocString) error { return nil }},
		{`the echo server saw:`, `the echo server saw:`, func(context.Context, *godog.Table) error { return nil }},
		{`the response (?:code|status) is (\d+)`, `the response status is 200`, func(context.Context, int) error { return nil }},
		{`the response code is (.+)`, `the response code is OK`, func(context.Context, string) error { return nil }},
	}
}

func build(t *testing.T, subjects ...vocabulary.Subject) *vocabulary.Vocabulary {
	t.Helper()
	built, err := vocabulary.New(subjects...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestCheck(t *testing.T) {
	known := build(t, requests())
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
		{`a walrus appears`, nil, "no step is worded"},
		{`these objects:`, nil, "needs a text in triple quotes"},
		{`these objects:`, table, "needs a text in triple quotes"},
		{`the echo server saw:`, text, "needs a table"},
		{`the response status is 200`, table, "takes neither text nor table"},
		{`and the client requests "x"`, nil, "no step is worded"},
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

func TestNewRefusesBadDefinitions(t *testing.T) {
	for name, definition := range map[string]vocabulary.Definition{
		"bad expression":    {Pattern: `(`, Example: `(`, Handler: plain},
		"wrong example":     {Pattern: `a`, Example: `b`, Handler: plain},
		"no function":       {Pattern: `a`, Example: `a`, Handler: 1},
		"nil":               {Pattern: `a`, Example: `a`},
		"no context":        {Pattern: `a`, Example: `a`, Handler: func() error { return nil }},
		"no error":          {Pattern: `a`, Example: `a`, Handler: func(context.Context) {}},
		"too few arguments": {Pattern: `(a)`, Example: `a`, Handler: plain},
		"wrong argument":    {Pattern: `(a)`, Example: `a`, Handler: func(context.Context, uint16) error { return nil }},
		"too many":          {Pattern: `a`, Example: `a`, Handler: func(context.Context, string) error { return nil }},
	} {
		if _, err := vocabulary.New(subject{definition}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBind(t *testing.T) {
	errWrong := errors.New("wrong")
	var got []string
	known := build(t, subject{
		{`I say "([^"]*)"`, `I say "a"`, func(_ context.Context, text string) error { got = append(got, text); return nil }},
		{`it fails`, `it fails`, func(context.Context) error { return errWrong }},
	})
	var results []error
	suite := godog.TestSuite{
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			known.Bind(scenario, vocabulary.Around{
				Arguments: func(_ context.Context, arguments []reflect.Value) error {
					for i := range arguments {
						arguments[i] = reflect.ValueOf(strings.ToUpper(arguments[i].String()))
					}
					return nil
				},
				Result: func(_ context.Context, err error) error { results = append(results, err); return nil },
			})
		},
		Options: &godog.Options{
			Strict: true, Format: "progress", Output: io.Discard,
			FeatureContents: []godog.Feature{{Name: "a.feature", Contents: []byte("Feature: f\n Scenario: s\n  Given I say \"hello\"\n  Then it fails\n")}},
		},
	}
	if status := suite.Run(); status != 0 {
		t.Errorf("the run ended with %d, though Result dropped the error", status)
	}
	if len(got) != 1 || got[0] != "HELLO" {
		t.Errorf("the handler got %q, want HELLO", got)
	}
	if len(results) != 2 || results[0] != nil || !errors.Is(results[1], errWrong) {
		t.Errorf("results are %v", results)
	}
	if examples := known.Examples(); len(examples) != 2 || examples[1] != "it fails" {
		t.Errorf("examples are %q", examples)
	}
}
