package steps

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

	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/echo"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// echoes are the steps about what an echo server says that it saw.
type echoes struct{ *scenario }

func (e *echoes) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the echo server saw:`,
			Example: `the echo server saw:`,
			Handler: e.saw,
		},
		{
			Pattern: `the echo server saw exactly the headers:`,
			Example: `the echo server saw exactly the headers:`,
			Handler: e.sawExactlyHeaders,
		},
		{
			Pattern: `the echo server saw no header "([^"]*)"`,
			Example: `the echo server saw no header "x-original-forwarded-for"`,
			Handler: e.sawNoHeader,
		},
		{
			Pattern: `the echo server is a Pod of "([^"]*)"`,
			Example: `the echo server is a Pod of "deploy3-adminsrv"`,
			Handler: e.isPodOf,
		},
		{
			Pattern: `within (\d+) seconds, the echo server behind "([^"]*)" sees:`,
			Example: `within 10 seconds, the echo server behind "http://echo.${domain}/" sees:`,
			Handler: e.within,
		},
		{
			Pattern: `each Pod of "([^"]*)", asked directly on port (\d+), says:`,
			Example: `each Pod of "dp-v1", asked directly on port 8080, says:`,
			Handler: e.eachPodSays,
		},
	}
}

func (e *echoes) reply() (echo.Reply, error) {
	exchange, err := e.last()
	if err != nil {
		return echo.Reply{}, err
	}
	reply, err := echo.Parse(exchange.Body)
	if err != nil {
		return echo.Reply{}, failure("the answer of an echo server", fmt.Sprintf("%s: %v", statusOf(exchange), err), whereToLook)
	}
	return reply, nil
}

func (e *echoes) saw(_ context.Context, table *godog.Table) error {
	reply, err := e.reply()
	if err != nil {
		return err
	}
	return sawValues(reply, table)
}

func sawValues(reply echo.Reply, table *godog.Table) error {
	lines, err := pairs(table)
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		value, there := reply.Value(line[0])
		equal, err := matches(line[1], value)
		switch {
		case err != nil:
			return err
		case !there:
			problems = append(problems, failure(line[0]+"="+line[1], "the echo server names no "+line[0], whereToLook))
		case !equal:
			problems = append(problems, failure(line[0]+"="+line[1], line[0]+"="+value, whereToLook))
		}
	}
	return errors.Join(problems...)
}

// sawExactlyHeaders is saw, and no other header.
func (e *echoes) sawExactlyHeaders(_ context.Context, table *godog.Table) error {
	reply, err := e.reply()
	if err != nil {
		return err
	}
	lines, err := pairs(table)
	if err != nil {
		return err
	}
	var wanted []string
	for _, line := range lines {
		wanted = append(wanted, strings.ToLower(line[0]))
	}
	var names error
	if seen := slices.Sorted(maps.Keys(reply.Headers)); !slices.Equal(sorted(wanted), seen) {
		names = failure("just the headers "+strings.Join(wanted, ", "), strings.Join(seen, ", "), whereToLook)
	}
	return errors.Join(names, sawValues(echo.Reply{Headers: reply.Headers}, table))
}

func (e *echoes) sawNoHeader(_ context.Context, name string) error {
	reply, err := e.reply()
	if err != nil {
		return err
	}
	if values, there := reply.Headers[strings.ToLower(name)]; there {
		return failure("no header "+name, strings.Join(values, ", "), whereToLook)
	}
	return nil
}

func (e *echoes) isPodOf(ctx context.Context, owner string) error {
	reply, err := e.reply()
	if err != nil {
		return err
	}
	pods, err := e.podsOf(ctx, owner)
	if err != nil {
		return err
	}
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	if host := reply.Fields[echo.Hostname]; !slices.Contains(names, host) {
		return failure("one of "+strings.Join(names, ", "), host, whereToLook)
	}
	return nil
}

// within repeats a request until the echo server sees what it should: a changed Service takes its time to reach the
// nodes.
func (e *echoes) within(ctx context.Context, seconds int, url string, table *godog.Table) error {
	shown := len(e.evidence)
	return e.eventually(ctx, time.Duration(seconds)*time.Second, func(ctx context.Context) error {
		e.evidence = e.evidence[:shown] // of the attempts only the last is shown
		if err := (&requests{e.scenario}).once(ctx, client.Request{Method: http.MethodGet, URL: url}); err != nil {
			return err
		}
		return e.saw(ctx, table)
	})
}
