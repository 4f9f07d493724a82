// Package compare says how two ingress controllers treat the Ingresses of a user differently.
//
//	estate      the objects of a user
//	derive      the requests, made from them
//	standin     what stands in for the user's applications, Secrets and authentication servers
//	inprocess   a Target: the test-bed's own controller in this process
//	cluster     a Target: a controller on a cluster
//	judge       compares the answers to a request
//	reports/comparison  the results, as values and as files
//
// Both controllers get the same objects and the same requests. A request whose answers differ is sent again when the
// others are done, alone, to tell a difference from chance and from load, and then reduced to what still shows the difference.
package compare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

// ErrUnsupported is wrapped by errors of a Target about a request that it can't send. The request is then skipped, with the
// error as the reason.
var ErrUnsupported = errors.New("not supported here")

// Target is a controller that requests are sent to.
type Target interface {
	// Description says which controller it is.
	Description() string
	// Begin makes the objects and waits until the controller has taken them up. clientCertificates are the names of those
	// that requests present.
	Begin(ctx context.Context, e *estate.Estate, clientCertificates []string) (Session, error)
}

// Session is a controller that serves the objects. Its methods may be called from several goroutines.
type Session interface {
	// Client returns a client for a request, which comes from an address of the kind that the request needs; number selects one
	// of many, so that requests with different numbers don't share a limit where the target has several addresses.
	Client(probe *derive.Probe, number int) (*send.Client, error)
	// Backend returns the name of what answered by a name in an answer, as namespace/service:port.
	Backend(name string) string
	// ClientAddresses are texts to leave out of comparisons, because they depend on the target.
	ClientAddresses(from derive.From, number int) []string
	// Refused are the Ingresses that were not taken up, as namespace/name, with the reason.
	Refused() map[string]string
	// Notes are sentences on how the objects were changed.
	Notes() []string
	// Alive sends a request that has to be served whatever the Ingresses are like. An error says that the controller or the
	// stand-ins don't respond, so that broken connections say nothing about an Ingress.
	Alive(ctx context.Context) error
	// End deletes what Begin made.
	End(ctx context.Context) error
}

// Explainer is a Session that explains its answers.
type Explainer interface {
	// Explain says how the controller comes to the answer to a probe, in several lines. The error wraps ErrUnsupported for a
	// request that can't be explained.
	Explain(ctx context.Context, probe *derive.Probe) (string, error)
}

// Logger is a Session whose controller writes a log.
type Logger interface {
	// LogAbout returns the lines of the log since Begin that name an Ingress, given as namespace/name; "" if there are none.
	LogAbout(ctx context.Context, ingress string) (string, error)
}

// Ask sends a probe to a session as often as it says.
func Ask(ctx context.Context, session Session, probe *derive.Probe, number int) (judge.Observation, error) {
	client, err := session.Client(probe, number)
	if err != nil {
		return judge.Observation{}, err
	}
	started := time.Now()
	exchanges, err := client.Do(ctx, probe.Request)
	if err != nil {
		return judge.Observation{}, fmt.Errorf("sending a request: %w", err)
	}
	observation := judge.Observation{Took: time.Since(started)}
	addresses := session.ClientAddresses(probe.From, number)
	for _, exchange := range exchanges {
		answer := exchange.Answer
		name, pod, _ := strings.Cut(answer.Backend, "/")
		if name != "" {
			answer.Backend = session.Backend(name)
		}
		hide(&answer, addresses)
		observation.Answers = append(observation.Answers, judge.Answer{Answer: answer, Pod: pod})
	}
	return observation, nil
}

// clientAddress stands for the address of the client.
const clientAddress = "CLIENT"

// hide replaces the client's addresses in what the backend received.
func hide(answer *record.Answer, addresses []string) {
	if answer.Saw == nil {
		return
	}
	for name, values := range answer.Saw.Headers {
		for i, value := range values {
			for _, address := range addresses {
				value = strings.ReplaceAll(value, address, clientAddress)
			}
			values[i] = value
		}
		answer.Saw.Headers[name] = values
	}
}
