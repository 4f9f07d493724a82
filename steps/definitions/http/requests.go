package http

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// Dialer opens connections from the client outside the cluster.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// maxBody limits bodies that steps send, in KiB.
const maxBody = 64 << 10

// requests are the steps that make requests from the client outside the cluster. Unless a step says otherwise, each
// request uses a connection of its own, as each call of curl does.
type requests struct{ dialer Dialer }

func (r requests) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client always sends the headers:`,
			Example: `the client always sends the headers:`,
			Handler: alwaysSends,
		},
		{
			Pattern: `the client keeps cookies`,
			Example: `the client keeps cookies`,
			Handler: keepsCookies,
		},
		{
			Pattern: `the client's connections begin with the PROXY protocol, from "([^"]*)"`,
			Example: `the client's connections begin with the PROXY protocol, from "203.0.113.9:4711"`,
			Handler: announces,
		},
		{
			Pattern: `the client requests "([^"]*)"`,
			Example: `the client requests "http://shop.${domain}/cart"`,
			Handler: func(ctx context.Context, url string) error {
				return once(ctx, client.Request{Method: http.MethodGet, URL: url})
			},
		},
		{
			Pattern: `the client requests "([^"]*)" with the headers?:`,
			Example: `the client requests "http://shop.${domain}/cart" with the headers:`,
			Handler: requestWithHeaders,
		},
		{
			Pattern: `the client requests "([^"]*)" with the cookie "([^"]*)"`,
			Example: `the client requests "http://shop.${domain}/cart" with the cookie "canary=always"`,
			Handler: func(ctx context.Context, url, cookie string) error {
				return once(ctx, client.Request{Method: http.MethodGet, URL: url, Header: http.Header{"Cookie": {cookie}}})
			},
		},
		{
			Pattern: `the client sends ([A-Za-z]+) "([^"]*)"`,
			Example: `the client sends HEAD "http://shop.${domain}/cart"`,
			Handler: func(ctx context.Context, method, url string) error {
				return once(ctx, client.Request{Method: method, URL: url})
			},
		},
		{
			Pattern: `the client sends ([A-Z]+) "([^"]*)" with the body:`,
			Example: `the client sends POST "http://shop.${domain}/cart" with the body:`,
			Handler: func(ctx context.Context, method, url string, body *godog.DocString) error {
				return once(ctx, client.Request{Method: method, URL: url, Body: body.Content})
			},
		},
		{
			Pattern: `the client sends ([A-Z]+) "([^"]*)" with a body of (\d+) KiB`,
			Example: `the client sends POST "http://shop.${domain}/cart" with a body of 2048 KiB`,
			Handler: func(ctx context.Context, method, url string, size int) error {
				if size > maxBody {
					return fmt.Errorf("a body has at most %d KiB: %d", maxBody, size)
				}
				return once(ctx, client.Request{Method: method, URL: url, Body: strings.Repeat("x", size<<10)})
			},
		},
		{
			Pattern: `the client requests "([^"]*)" (\d+) times`,
			Example: `the client requests "http://shop.${domain}/cart" 100 times`,
			Handler: func(ctx context.Context, url string, times int) error {
				return repeat(ctx, url, times, world.From(ctx).Client.Do)
			},
		},
		{
			Pattern: `the client requests "([^"]*)" (\d+) times over one connection`,
			Example: `the client requests "http://shop.${domain}/cart" 100 times over one connection`,
			Handler: func(ctx context.Context, url string, times int) error {
				session := world.From(ctx).Client.Session()
				defer session.Close()
				return repeat(ctx, url, times, session.Do)
			},
		},
		{
			Pattern: `the client requests "([^"]*)" (\d+) times at once`,
			Example: `the client requests "http://shop.${domain}/cart" 10 times at once`,
			Handler: atOnce,
		},
		{
			Pattern: `requests? (?:is|are) answered as follows:`,
			Example: `requests are answered as follows:`,
			Handler: answered,
		},
		{
			Pattern: `within (\d+) seconds, requests? (?:is|are) answered as follows:`,
			Example: `within 10 seconds, requests are answered as follows:`,
			Handler: answeredWithin,
		},
		{
			Pattern: `"([^"]*)" does not accept connections`,
			Example: `"${worker 1 external address}:30080" does not accept connections`,
			Handler: r.noConnection,
		},
		{
			Pattern: `within (\d+) seconds, "([^"]*)" does not accept connections any more`,
			Example: `within 15 seconds, "${worker 1 external address}:30080" does not accept connections any more`,
			Handler: r.noConnectionWithin,
		},
	}
}

func alwaysSends(ctx context.Context, table *godog.Table) error {
	lines, err := arguments.Pairs(table)
	if err != nil {
		return err
	}
	header := world.From(ctx).Client.Header
	for _, line := range lines {
		header.Set(line[0], line[1])
	}
	return nil
}

// keepsCookies makes the client send the cookies of responses back, as browsers do. It has none yet.
func keepsCookies(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("making a cookie jar: %w", err)
	}
	world.From(ctx).Client.Jar = jar
	return nil
}

// announces makes later connections of the scenario name another source, as those of load balancers do.
func announces(ctx context.Context, source string) error {
	parsed, err := netip.ParseAddrPort(source)
	if err != nil {
		return fmt.Errorf("parsing the source %q: %w", source, err)
	}
	world.From(ctx).Client.Announced = parsed
	return nil
}

func requestWithHeaders(ctx context.Context, url string, table *godog.Table) error {
	lines, err := arguments.Pairs(table)
	if err != nil {
		return err
	}
	header := http.Header{}
	for _, line := range lines {
		header.Add(line[0], line[1])
	}
	return once(ctx, client.Request{Method: http.MethodGet, URL: url, Header: header})
}

// once makes a request over a connection of its own.
func once(ctx context.Context, request client.Request) error {
	scenario := world.From(ctx)
	exchange, err := scenario.Client.Do(ctx, request)
	scenario.Exchanges = []client.Exchange{exchange}
	if err != nil {
		return noResponse(err)
	}
	scenario.Attach(evidence.Text{Title: request.Method + " " + request.URL, Body: exchange.Text()})
	return nil
}

func noResponse(err error) error {
	return &evidence.Failure{Expected: "an HTTP response", Seen: "none", Look: []string{world.Diagnosis}, Cause: err, Effect: effect.Lost}
}

// mostAtOnce bounds the connections that a step opens at once.
const mostAtOnce = 100

// atOnce makes the same request several times, each over a connection of its own, without waiting for replies in between.
func atOnce(ctx context.Context, url string, times int) error {
	if times > mostAtOnce {
		return fmt.Errorf("at most %d requests are sent at once: %d", mostAtOnce, times)
	}
	scenario := world.From(ctx)
	exchanges := make([]client.Exchange, times)
	group, ctx := errgroup.WithContext(ctx)
	for number := range times {
		group.Go(func() (err error) {
			exchanges[number], err = scenario.Client.Do(ctx, client.Request{Method: http.MethodGet, URL: url})
			if err != nil {
				return fmt.Errorf("request %d of %d: %w", number+1, times, noResponse(err))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	keep(scenario, exchanges)
	return nil
}

// keep makes the exchanges those that the next steps are about.
func keep(scenario *world.Scenario, exchanges []client.Exchange) {
	scenario.Exchanges = exchanges
	if len(exchanges) > 0 {
		scenario.Attach(evidence.Text{Title: fmt.Sprintf("The first of %d requests", len(exchanges)), Body: exchanges[0].Text()})
	}
}

// repeat makes the same request several times, one after the other.
func repeat(ctx context.Context, url string, times int, do func(context.Context, client.Request) (client.Exchange, error)) error {
	exchanges := make([]client.Exchange, 0, times)
	for number := range times {
		exchange, err := do(ctx, client.Request{Method: http.MethodGet, URL: url})
		if err != nil {
			world.From(ctx).Exchanges = exchanges
			return fmt.Errorf("request %d of %d: %w", number+1, times, noResponse(err))
		}
		exchanges = append(exchanges, exchange)
	}
	keep(world.From(ctx), exchanges)
	return nil
}

// answered makes a request for each row of a table. The columns are URL, status, and optionally method, text, which the
// response must contain, and comment, which is for readers.
func answered(ctx context.Context, table *godog.Table) error {
	lines, err := arguments.RowsWith(table, []string{"URL", "status"}, []string{"method", "text", "comment"})
	if err != nil {
		return err
	}
	scenario := world.From(ctx)
	var problems []error
	for _, line := range lines {
		method := line["method"]
		if method == "" {
			method = http.MethodGet
		}
		if err := once(ctx, client.Request{Method: method, URL: line["URL"]}); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", method, line["URL"], err))
			continue
		}
		problems = append(problems, expectResponse(scenario.Exchanges[0], line["status"], line["text"], scenario.Protects))
	}
	return errors.Join(problems...)
}

// answeredWithin retries until all requests are answered as expected: a change takes time to reach the controller.
func answeredWithin(ctx context.Context, seconds int, table *godog.Table) error {
	return world.From(ctx).Eventually(ctx, time.Duration(seconds)*time.Second, func(ctx context.Context) error {
		return answered(ctx, table)
	})
}

// expectResponse expects a status, and a text unless the status is another.
func expectResponse(exchange client.Exchange, status, text string, protects bool) error {
	what := exchange.Request.Method + " " + exchange.Request.URL
	equal, err := arguments.Matches(status, fmt.Sprint(exchange.Status))
	if err != nil {
		return err
	}
	if !equal {
		return world.AnswerFailure(statusEffect(statusOfPattern(status), exchange.Status, protects), fmt.Sprintf("%s is answered with status %s", what, status), statusOf(exchange), world.Diagnosis)
	}
	return expectText(what, exchange, text)
}

// noConnectionTimeout is long enough for a connection that must not be accepted; a refusal takes less.
const noConnectionTimeout = 2 * time.Second

// noConnectionWithin tries again while there is a connection: each node applies a change of a Service at its own time.
func (r requests) noConnectionWithin(ctx context.Context, seconds int, hostPort string) error {
	return world.From(ctx).Eventually(ctx, time.Duration(seconds)*time.Second, func(ctx context.Context) error {
		return r.noConnection(ctx, hostPort)
	})
}

// noConnection expects that no connection can be opened to host:port. It is up to the scenario to show, by a request
// that is answered, that the host can be reached at all.
func (r requests) noConnection(ctx context.Context, hostPort string) error {
	target, err := world.From(ctx).Namespace.Resolver.Resolve(hostPort)
	if err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, noConnectionTimeout)
	defer cancel()
	connection, err := r.dialer.DialContext(dialing, "tcp", target.String())
	if err == nil {
		defer connection.Close()
		return world.AnswerFailure(effect.AnotherBackend, "no connection to "+hostPort, "a connection from "+connection.LocalAddr().String(),
			"the Service's externalTrafficPolicy", world.Diagnosis)
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
