package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// responseDefinitions are the steps about the responses to the last requests.
func responseDefinitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the response status is (\d+)`,
			Example: `the response status is 200`,
			Handler: statusIs,
		},
		{
			Pattern: `every response has the status (\d+)`,
			Example: `every response has the status 200`,
			Handler: everyStatusIs,
		},
		{
			Pattern: `the responses have these statuses:`,
			Example: `the responses have these statuses:`,
			Handler: statusesAre,
		},
		{
			Pattern: `the response contains the text "(.*)"`,
			Example: `the response contains the text "<title>Welcome to nginx!</title>"`,
			Handler: hasText,
		},
		{
			Pattern: `the response does not contain the text "(.*)"`,
			Example: `the response does not contain the text "password"`,
			Handler: lacksText,
		},
		{
			Pattern: `the response is:`,
			Example: `the response is:`,
			Handler: isText,
		},
		{
			Pattern: `the response has the headers:`,
			Example: `the response has the headers:`,
			Handler: hasHeaders,
		},
		{
			Pattern: `the response has no header "([^"]*)"`,
			Example: `the response has no header "Strict-Transport-Security"`,
			Handler: hasNoHeader,
		},
		{
			Pattern: `the response came over "([^"]*)"`,
			Example: `the response came over "HTTP/2.0"`,
			Handler: usedProtocol,
		},
		{
			Pattern: `the response took (at least|less than) (\d+) seconds?`,
			Example: `the response took at least 2 seconds`,
			Handler: took,
		},
	}
}

// took compares how long the last request took, body included.
func took(ctx context.Context, comparison string, seconds int) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	limit := time.Duration(seconds) * time.Second
	if longer := exchange.Took >= limit; longer != (comparison == "at least") {
		return world.Failure(fmt.Sprintf("%s %s", comparison, limit), exchange.Took.String(), world.Diagnosis)
	}
	return nil
}

func statusOf(exchange client.Exchange) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", exchange.Status, http.StatusText(exchange.Status)))
}

func statusIs(ctx context.Context, expected int) error {
	scenario := world.From(ctx)
	exchange, err := scenario.Last()
	if err != nil {
		return err
	}
	if exchange.Status != expected {
		return world.AnswerFailure(statusEffect(expected, exchange.Status, scenario.Protects), fmt.Sprintf("status %d", expected), statusOf(exchange), world.Diagnosis)
	}
	return nil
}

func everyStatusIs(ctx context.Context, expected int) error {
	scenario := world.From(ctx)
	if _, err := scenario.Last(); err != nil {
		return err
	}
	seen := map[string]int{} // how often, by status
	wrong, gravest := false, effect.None
	for _, exchange := range scenario.Exchanges {
		seen[statusOf(exchange)]++
		if exchange.Status != expected {
			wrong, gravest = true, max(gravest, statusEffect(expected, exchange.Status, scenario.Protects))
		}
	}
	if wrong {
		return world.AnswerFailure(gravest, fmt.Sprintf("status %d for each of %d requests", expected, len(scenario.Exchanges)), fmt.Sprint(seen), world.Diagnosis)
	}
	return nil
}

func lacksText(ctx context.Context, text string) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	if strings.Contains(exchange.Body, text) {
		return world.Failure(fmt.Sprintf("the response does not contain the text %q", text), exchange.Body, world.Diagnosis)
	}
	return nil
}

func hasText(ctx context.Context, text string) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	return expectText("the response", exchange, text)
}

func expectText(subject string, exchange client.Exchange, text string) error {
	if !strings.Contains(exchange.Body, text) {
		return world.AnswerFailure(textEffect(exchange, text), fmt.Sprintf("%s contains the text %q", subject, text), fmt.Sprintf("%s: %s", statusOf(exchange), exchange.Body), world.Diagnosis)
	}
	return nil
}

// isText compares the whole body, except for trailing white space, with lines that may be patterns.
func isText(ctx context.Context, text *godog.DocString) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	seen := strings.Split(strings.TrimRight(exchange.Body, "\r\n\t "), "\n")
	expected := strings.Split(strings.TrimRight(text.Content, "\r\n\t "), "\n")
	equal := len(seen) == len(expected)
	for i := 0; equal && i < len(expected); i++ {
		if equal, err = arguments.Matches(expected[i], seen[i]); err != nil {
			return err
		}
	}
	if !equal {
		return world.AnswerFailure(effect.AnswersDifferently, "the response is\n"+text.Content, fmt.Sprintf("%s:\n%s", statusOf(exchange), exchange.Body), world.Diagnosis)
	}
	return nil
}

func hasHeaders(ctx context.Context, table *godog.Table) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	lines, err := arguments.Pairs(table)
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		value := strings.Join(exchange.Header.Values(line[0]), ", ")
		equal, err := arguments.Matches(line[1], value)
		if err != nil {
			return err
		}
		if !equal {
			problems = append(problems, world.AnswerFailure(headerEffect(line[0]), fmt.Sprintf("header %s: %s", line[0], line[1]), fmt.Sprintf("%q", value), world.Diagnosis))
		}
	}
	return errors.Join(problems...)
}

func hasNoHeader(ctx context.Context, name string) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	if values := exchange.Header.Values(name); len(values) > 0 {
		return world.AnswerFailure(headerEffect(name), "no header "+name, strings.Join(values, ", "), world.Diagnosis)
	}
	return nil
}

func usedProtocol(ctx context.Context, protocol string) error {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return err
	}
	if exchange.Proto != protocol {
		return world.AnswerFailure(effect.AnswersDifferently, "a response over "+protocol, exchange.Proto, world.Diagnosis)
	}
	return nil
}
