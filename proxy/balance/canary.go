package balance

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Canary is a compiled route.Canary.
type Canary struct {
	rules   route.Canary
	header  string // rules.Header in lower case
	pattern *regex.Expression
}

// NewCanary compiles the rules; it fails if the header pattern is not a regular expression.
func NewCanary(rules route.Canary) (*Canary, error) {
	c := &Canary{rules: rules, header: strings.ToLower(rules.Header)}
	if rules.Header != "" && rules.HeaderValue == "" && rules.HeaderPattern != "" {
		pattern, err := regex.Compile(rules.HeaderPattern)
		if err != nil {
			return nil, fmt.Errorf("compiling the canary's header pattern: %w", err)
		}
		c.pattern = pattern
	}
	return c, nil
}

// CanaryRule is a rule of a canary.
type CanaryRule uint8

// The rules, in the order in which they are tried.
const (
	ByHeader CanaryRule = iota
	ByCookie
	ByWeight
)

// Matches reports whether the canary gets the request, and which rule has decided. The rules are those of ingress-nginx:
// header, then cookie, then weight, and the first that decides wins.
func (c *Canary) Matches(r *message.Request) (matches bool, by CanaryRule) {
	if c.rules.Header != "" {
		if value, found := c.headerValue(r); found {
			if matches, decided := c.byHeader(value); decided {
				return matches, ByHeader
			}
		}
	}
	if c.rules.Cookie != "" {
		if value, found := Cookie(r, c.rules.Cookie); found {
			if matches, decided := alwaysOrNever(value); decided {
				return matches, ByCookie
			}
		}
	}
	//nolint:gosec // a share of the traffic need not be unpredictable
	return c.rules.Weight > 0 && rand.IntN(c.rules.Total()) < c.rules.Weight, ByWeight
}

// headerValue returns the field of the header's name; none if there are several, which are a list (RFC 9110 section 5.3)
// that equals no value.
func (c *Canary) headerValue(r *message.Request) (value string, found bool) {
	for i := range r.Fields {
		if !message.EqualFold(r.Fields[i].Name, c.header) {
			continue
		}
		if found {
			return "", false
		}
		value, found = view(r.Fields[i].Value), true
	}
	return value, found
}

func (c *Canary) byHeader(value string) (matches, decided bool) {
	switch {
	case c.rules.HeaderValue != "":
		return true, value == c.rules.HeaderValue
	case c.pattern != nil:
		return true, c.pattern.MatchString(value)
	default:
		return alwaysOrNever(value)
	}
}

func alwaysOrNever(value string) (matches, decided bool) {
	return value == "always", value == "always" || value == "never"
}
