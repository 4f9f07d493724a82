package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// responses are the steps about what came back from the last request.
type responses struct{ *scenario }

func (r *responses) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the response status is (\d+)`,
			Example: `the response status is 200`,
			Handler: r.statusIs,
		},
		{
			Pattern: `every response has the status (\d+)`,
			Example: `every response has the status 200`,
			Handler: r.everyStatusIs,
		},
		{
			Pattern: `the response has the text "(.*)"`,
			Example: `the response has the text "<title>Welcome to nginx!</title>"`,
			Handler: r.hasText,
		},
		{
			Pattern: `the response is:`,
			Example: `the response is:`,
			Handler: r.isText,
		},
		{
			Pattern: `the response has the headers:`,
			Example: `the response has the headers:`,
			Handler: r.hasHeaders,
		},
		{
			Pattern: `the response has no header "([^"]*)"`,
			Example: `the response has no header "Strict-Transport-Security"`,
			Handler: r.hasNoHeader,
		},
		{
			Pattern: `the response came over "([^"]*)"`,
			Example: `the response came over "HTTP/2.0"`,
			Handler: r.cameOver,
		},
	}
}

// last is the one response that the scenario speaks of.
func (s *scenario) last() (client.Exchange, error) {
	if len(s.exchanges) == 0 || s.exchanges[len(s.exchanges)-1].Status == 0 {
		return client.Exchange{}, errors.New("there is no response: a step before this one must make a request")
	}
	return s.exchanges[len(s.exchanges)-1], nil
}

func statusOf(exchange client.Exchange) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", exchange.Status, http.StatusText(exchange.Status)))
}

func (r *responses) statusIs(_ context.Context, wanted int) error {
	exchange, err := r.last()
	if err != nil {
		return err
	}
	if exchange.Status != wanted {
		return failure(fmt.Sprintf("status %d", wanted), statusOf(exchange), whereToLook)
	}
	return nil
}

func (r *responses) everyStatusIs(_ context.Context, wanted int) error {
	if _, err := r.last(); err != nil {
		return err
	}
	seen := map[string]int{}
	wrong := false
	for _, exchange := range r.exchanges {
		seen[statusOf(exchange)]++
		wrong = wrong || exchange.Status != wanted
	}
	if wrong {
		return failure(fmt.Sprintf("status %d for each of %d requests", wanted, len(r.exchanges)), fmt.Sprint(seen), whereToLook)
	}
	return nil
}

func (r *responses) hasText(_ context.Context, text string) error {
	exchange, err := r.last()
	if err != nil {
		return err
	}
	return expectText("the response", exchange, text)
}

func expectText(what string, exchange client.Exchange, text string) error {
	if !strings.Contains(exchange.Body, text) {
		return failure(fmt.Sprintf("%s has the text %q", what, text), fmt.Sprintf("%s: %s", statusOf(exchange), exchange.Body), whereToLook)
	}
	return nil
}

// isText compares the whole body, but for white space at its end, with lines that may be patterns.
func (r *responses) isText(_ context.Context, text *godog.DocString) error {
	exchange, err := r.last()
	if err != nil {
		return err
	}
	seen := strings.Split(strings.TrimRight(exchange.Body, "\r\n\t "), "\n")
	wanted := strings.Split(strings.TrimRight(text.Content, "\r\n\t "), "\n")
	equal := len(seen) == len(wanted)
	for i := 0; equal && i < len(wanted); i++ {
		if equal, err = matches(wanted[i], seen[i]); err != nil {
			return err
		}
	}
	if !equal {
		return failure("the response is\n"+text.Content, fmt.Sprintf("%s:\n%s", statusOf(exchange), exchange.Body), whereToLook)
	}
	return nil
}

func (r *responses) hasHeaders(_ context.Context, table *godog.Table) error {
	exchange, err := r.last()
	if err != nil {
		return err
	}
	lines, err := pairs(table)
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		value := strings.Join(exchange.Header.Values(line[0]), ", ")
		equal, err := matches(line[1], value)
		if err != nil {
			return err
		}
		if !equal {
			problems = append(problems, failure(fmt.Sprintf("header %s: %s", line[0], line[1]), fmt.Sprintf("%q", value), whereToLook))
		}
	}
	return errors.Join(problems...)
}

func (r *responses) hasNoHeader(_ context.Context, name string) error {
	exchange, err := r.last()
	if err != nil {
		return err
	}
	if values := exchange.Header.Values(name); len(values) > 0 {
		return failure("no header "+name, strings.Join(values, ", "), whereToLook)
	}
	return nil
}

func (r *responses) cameOver(_ context.Context, protocol string) error {
	exchange, err := r.last()
	if err != nil {
		return err
	}
	if exchange.Proto != protocol {
		return failure("a response over "+protocol, exchange.Proto, whereToLook)
	}
	return nil
}
