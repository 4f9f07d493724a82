package http

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/echo"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// echoes are the steps about what an echo server received.
type echoes struct{ pods Pods }

func (e echoes) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the echo server saw:`,
			Example: `the echo server saw:`,
			Handler: echoSaw,
		},
		{
			Pattern: `the echo server saw exactly the headers:`,
			Example: `the echo server saw exactly the headers:`,
			Handler: echoSawExactlyHeaders,
		},
		{
			Pattern: `the echo server saw no header "([^"]*)"`,
			Example: `the echo server saw no header "x-original-forwarded-for"`,
			Handler: echoSawNoHeader,
		},
		{
			Pattern: `the echo server is a Pod of "([^"]*)"`,
			Example: `the echo server is a Pod of "deploy3-adminsrv"`,
			Handler: e.isPodOf,
		},
		{
			Pattern: `within (\d+) seconds, the echo server behind "([^"]*)" sees:`,
			Example: `within 10 seconds, the echo server behind "http://echo.${domain}/" sees:`,
			Handler: echoSeesWithin,
		},
		{
			Pattern: `each Pod of "([^"]*)" answers requests to its port (\d+) with:`,
			Example: `each Pod of "dp-v1" answers requests to its port 8080 with:`,
			Handler: e.eachPodSays,
		},
	}
}

// lastReply parses the last response as that of an echo server.
func lastReply(ctx context.Context) (echo.Reply, error) {
	exchange, err := world.From(ctx).Last()
	if err != nil {
		return echo.Reply{}, err
	}
	reply, err := echo.Parse(exchange.Body)
	if err != nil {
		meaning := effect.AnotherBackend
		if !succeeds(exchange.Status) {
			meaning = statusEffect(http.StatusOK, exchange.Status, false)
		}
		return echo.Reply{}, world.AnswerFailure(meaning, "the response of an echo server", fmt.Sprintf("%s: %v", statusOf(exchange), err), world.Diagnosis)
	}
	return reply, nil
}

func echoSaw(ctx context.Context, table *godog.Table) error {
	reply, err := lastReply(ctx)
	if err != nil {
		return err
	}
	return expectValues(reply, table)
}

func expectValues(reply echo.Reply, table *godog.Table) error {
	lines, err := arguments.Pairs(table)
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		value, found := reply.Value(line[0])
		equal, err := arguments.Matches(line[1], value)
		switch {
		case err != nil:
			return err
		case !found:
			problems = append(problems, world.AnswerFailure(fieldEffect(reply, line[0]), line[0]+"="+line[1], "the echo server reported no "+line[0], world.Diagnosis))
		case !equal:
			problems = append(problems, world.AnswerFailure(fieldEffect(reply, line[0]), line[0]+"="+line[1], line[0]+"="+value, world.Diagnosis))
		}
	}
	return errors.Join(problems...)
}

// fieldEffect is what it means that an echo server reports another value of a field, which is one of its own, of the request
// or of its header.
func fieldEffect(reply echo.Reply, name string) effect.Effect {
	if name == echo.ServerVersion || name == echo.Hostname {
		return effect.AnotherBackend
	}
	if _, found := reply.Fields[name]; found {
		return effect.AnswersDifferently
	}
	return effect.Headers
}

// echoSawExactlyHeaders is echoSaw for headers, and permits no others.
func echoSawExactlyHeaders(ctx context.Context, table *godog.Table) error {
	reply, err := lastReply(ctx)
	if err != nil {
		return err
	}
	lines, err := arguments.Pairs(table)
	if err != nil {
		return err
	}
	var expected []string
	for _, line := range lines {
		expected = append(expected, strings.ToLower(line[0]))
	}
	var names error
	if seen := slices.Sorted(maps.Keys(reply.Headers)); !slices.Equal(slices.Sorted(slices.Values(expected)), seen) {
		names = world.AnswerFailure(effect.Headers, "only the headers "+strings.Join(expected, ", "), strings.Join(seen, ", "), world.Diagnosis)
	}
	return errors.Join(names, expectValues(echo.Reply{Headers: reply.Headers}, table))
}

func echoSawNoHeader(ctx context.Context, name string) error {
	reply, err := lastReply(ctx)
	if err != nil {
		return err
	}
	if values, found := reply.Headers[strings.ToLower(name)]; found {
		return world.AnswerFailure(effect.Headers, "no header "+name, strings.Join(values, ", "), world.Diagnosis)
	}
	return nil
}

func (e echoes) isPodOf(ctx context.Context, owner string) error {
	reply, err := lastReply(ctx)
	if err != nil {
		return err
	}
	names, err := podNames(ctx, e.pods, owner)
	if err != nil {
		return err
	}
	if host := reply.Fields[echo.Hostname]; !slices.Contains(names, host) {
		return world.AnswerFailure(effect.AnotherBackend, "one of "+strings.Join(names, ", "), host, world.Diagnosis)
	}
	return nil
}

// echoSeesWithin repeats a request until the echo server sees what is expected: a change of a Service takes time to
// reach the nodes.
func echoSeesWithin(ctx context.Context, seconds int, url string, table *godog.Table) error {
	return world.From(ctx).Eventually(ctx, time.Duration(seconds)*time.Second, func(ctx context.Context) error {
		if err := once(ctx, client.Request{Method: http.MethodGet, URL: url}); err != nil {
			return err
		}
		return echoSaw(ctx, table)
	})
}
