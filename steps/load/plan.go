package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// maxShare bounds the share of a target.
const maxShare = 1000

// Plan is what a load run sends.
type Plan struct {
	Schedule Schedule
	Targets  []Target
	// HTTP2 sends all requests over HTTP/2: by ALPN over TLS, and with prior knowledge otherwise. The default is HTTP/1.1.
	HTTP2 bool
	// NewConnections opens a connection for each request. By default connections are kept.
	NewConnections bool
}

// Target is a URL to request.
type Target struct {
	URL string
	// Share of the requests, in proportion to those of the other targets. At least 1.
	Share  int
	Header http.Header
}

// check validates what a feature file may have written.
func (p Plan) check() error {
	if len(p.Targets) == 0 {
		return errors.New("a load run needs a target")
	}
	if _, ok := p.Schedule.At(0); !ok {
		return errors.New("a load run needs a rate above 0 and a duration")
	}
	for _, target := range p.Targets {
		parsed, err := url.Parse(target.URL)
		if err != nil {
			return fmt.Errorf("the target of a load run: %w", err)
		}
		if parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			return fmt.Errorf("the target %q of a load run must begin with http:// or https:// and a host", target.URL)
		}
		if target.Share < 1 || target.Share > maxShare {
			return fmt.Errorf("the share of the target %s must be from 1 to %d, not %d", target.URL, maxShare, target.Share)
		}
	}
	return nil
}

// String describes the plan in a phrase.
func (p Plan) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s requests a second over HTTP/1.1", p.Schedule)
	if p.HTTP2 {
		text.Reset()
		fmt.Fprintf(&text, "%s requests a second over HTTP/2", p.Schedule)
	}
	if p.NewConnections {
		text.WriteString(", each on a new connection")
	}
	for i, target := range p.Targets {
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		text.WriteString(separator + target.URL)
		if len(p.Targets) > 1 {
			fmt.Fprintf(&text, " (%d)", target.Share)
		}
	}
	return text.String()
}

// turns selects targets by smooth weighted round robin: each gets its share in every run of as many requests as the sum
// of the shares, evenly spread.
type turns struct {
	targets []Target
	total   int

	mu      sync.Mutex
	current []int
}

func newTurns(targets []Target) *turns {
	t := &turns{targets: targets, current: make([]int, len(targets))}
	for _, target := range targets {
		t.total += target.Share
	}
	return t
}

func (t *turns) next() Target {
	t.mu.Lock()
	defer t.mu.Unlock()
	best := 0
	for i, target := range t.targets {
		t.current[i] += target.Share
		if t.current[i] > t.current[best] {
			best = i
		}
	}
	t.current[best] -= t.total
	return t.targets[best]
}

// target implements vegeta.Targeter.
func (t *turns) target(result *vegeta.Target) error {
	next := t.next()
	result.Method, result.URL, result.Header = http.MethodGet, next.URL, next.Header.Clone()
	return nil
}
