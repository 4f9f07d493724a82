package steps

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// requests are the steps that make requests from the client outside of the cluster. A request without further words
// goes over a connection of its own, as each call of curl does.
type requests struct{ *scenario }

func (r *requests) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client always sends the headers:`,
			Example: `the client always sends the headers:`,
			Handler: r.always,
		},
		{
			Pattern: `the client requests "([^"]*)"`,
			Example: `the client requests "http://shop.${domain}/cart"`,
			Handler: func(ctx context.Context, url string) error {
				return r.once(ctx, client.Request{Method: http.MethodGet, URL: url})
			},
		},
		{
			Pattern: `the client requests "([^"]*)" with the headers?:`,
			Example: `the client requests "http://shop.${domain}/cart" with the headers:`,
			Handler: r.withHeaders,
		},
		{
			Pattern: `the client requests "([^"]*)" with the cookie "([^"]*)"`,
			Example: `the client requests "http://shop.${domain}/cart" with the cookie "canary=always"`,
			Handler: func(ctx context.Context, url, cookie string) error {
				return r.once(ctx, client.Request{Method: http.MethodGet, URL: url, Header: http.Header{"Cookie": {cookie}}})
			},
		},
		{
			Pattern: `the client sends ([A-Z]+) "([^"]*)"`,
			Example: `the client sends HEAD "http://shop.${domain}/cart"`,
			Handler: func(ctx context.Context, method, url string) error {
				return r.once(ctx, client.Request{Method: method, URL: url})
			},
		},
		{
			Pattern: `the client sends ([A-Z]+) "([^"]*)" with the body:`,
			Example: `the client sends POST "http://shop.${domain}/cart" with the body:`,
			Handler: func(ctx context.Context, method, url string, body *godog.DocString) error {
				return r.once(ctx, client.Request{Method: method, URL: url, Body: body.Content})
			},
		},
		{
			Pattern: `the client requests "([^"]*)" (\d+) times`,
			Example: `the client requests "http://shop.${domain}/cart" 100 times`,
			Handler: func(ctx context.Context, url string, times int) error {
				return r.repeat(ctx, url, times, r.client.Do)
			},
		},
		{
			Pattern: `the client requests "([^"]*)" (\d+) times over one connection`,
			Example: `the client requests "http://shop.${domain}/cart" 100 times over one connection`,
			Handler: func(ctx context.Context, url string, times int) error {
				session := r.client.Session()
				defer session.Close()
				return r.repeat(ctx, url, times, session.Do)
			},
		},
		{
			Pattern: `requests? (?:is|are) answered as follows:`,
			Example: `requests are answered as follows:`,
			Handler: r.answered,
		},
		{
			Pattern: `within (\d+) seconds, requests? (?:is|are) answered as follows:`,
			Example: `within 10 seconds, requests are answered as follows:`,
			Handler: r.answeredWithin,
		},
		{
			Pattern: `"([^"]*)" does not answer`,
			Example: `"${worker 1 external address}:30080" does not answer`,
			Handler: r.noAnswer,
		},
	}
}

func (r *requests) always(_ context.Context, table *godog.Table) error {
	lines, err := pairs(table)
	if err != nil {
		return err
	}
	for _, line := range lines {
		r.client.Header.Set(line[0], line[1])
	}
	return nil
}

func (r *requests) withHeaders(ctx context.Context, url string, table *godog.Table) error {
	lines, err := pairs(table)
	if err != nil {
		return err
	}
	header := http.Header{}
	for _, line := range lines {
		header.Add(line[0], line[1])
	}
	return r.once(ctx, client.Request{Method: http.MethodGet, URL: url, Header: header})
}

func (r *requests) once(ctx context.Context, request client.Request) error {
	exchange, err := r.client.Do(ctx, request)
	r.exchanges = []client.Exchange{exchange}
	if err != nil {
		return noResponse(err)
	}
	r.show(evidence.Text{Title: request.Method + " " + request.URL, Body: exchange.Text()})
	return nil
}

func noResponse(err error) error {
	return &evidence.Failure{Expected: "an HTTP response", Seen: "none", Look: []string{whereToLook}, Cause: err}
}

func (r *requests) repeat(ctx context.Context, url string, times int, do func(context.Context, client.Request) (client.Exchange, error)) error {
	r.exchanges = make([]client.Exchange, 0, times)
	for number := range times {
		exchange, err := do(ctx, client.Request{Method: http.MethodGet, URL: url})
		if err != nil {
			return fmt.Errorf("request %d of %d: %w", number+1, times, noResponse(err))
		}
		r.exchanges = append(r.exchanges, exchange)
	}
	if times > 0 {
		r.show(evidence.Text{Title: fmt.Sprintf("The first of %d requests", times), Body: r.exchanges[0].Text()})
	}
	return nil
}

// answered makes a request for each row of a table with the columns URL and status, and, if wanted, method, and
// header "NAME: VALUE" and text that must be in the response.
func (r *requests) answered(ctx context.Context, table *godog.Table) error {
	lines, err := rows(table, "URL", "status")
	if err != nil {
		return err
	}
	var problems []error
	for _, line := range lines {
		method := line["method"]
		if method == "" {
			method = http.MethodGet
		}
		if err := r.once(ctx, client.Request{Method: method, URL: line["URL"]}); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", method, line["URL"], err))
			continue
		}
		if err := expectAnswer(r.exchanges[0], line["status"], line["text"]); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// answeredWithin tries again until all are answered so: a change takes its time to reach the controller.
func (r *requests) answeredWithin(ctx context.Context, seconds int, table *godog.Table) error {
	shown := len(r.evidence)
	return r.eventually(ctx, time.Duration(seconds)*time.Second, func(ctx context.Context) error {
		r.evidence = r.evidence[:shown] // of the attempts only the last is shown
		return r.answered(ctx, table)
	})
}

func expectAnswer(exchange client.Exchange, status, text string) error {
	what := exchange.Request.Method + " " + exchange.Request.URL
	equal, err := matches(status, fmt.Sprint(exchange.Status))
	if err != nil {
		return err
	}
	if !equal {
		return failure(fmt.Sprintf("%s is answered with status %s", what, status), statusOf(exchange), whereToLook)
	}
	return expectText(what, exchange, text)
}

// noAnswerTimeout is long enough for the answer that must not come; a refusal comes at once.
const noAnswerTimeout = 2 * time.Second

// noAnswer expects that no connection can be opened to host:port. Where a node can be reached at all is for the
// scenario to show, by a request that is answered.
func (r *requests) noAnswer(ctx context.Context, hostPort string) error {
	target, err := r.place.names.Resolve(hostPort)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, noAnswerTimeout)
	defer cancel()
	connection, err := r.Cluster.Client().DialContext(dialing, "tcp", target.String())
	if err == nil {
		defer connection.Close()
		return failure("no connection to "+hostPort, "one was opened, from "+connection.LocalAddr().String(),
			"the Service's externalTrafficPolicy", whereToLook)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var network net.Error
	if !errors.As(err, &network) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("connecting to %s: %w", hostPort, err)
	}
	return nil
}
