package balance

import (
	"fmt"
	"math/rand/v2"
	"regexp"

	"github.com/ingress-testbed/testbed/proxy/route"
)

// Request is what a choice looks at. Both methods return the first value of that name.
type Request interface {
	// Header returns a header field by its name in any case.
	Header(name string) (value string, found bool)
	// Cookie returns a cookie by its name (case-sensitive, RFC 6265 section 4.1.1).
	Cookie(name string) (value string, found bool)
}

// Canary is a compiled route.Canary.
type Canary struct {
	rules   route.Canary
	pattern *regexp.Regexp
}

// NewCanary compiles the rules; it fails if the header pattern is not a regular expression.
func NewCanary(rules route.Canary) (*Canary, error) {
	c := &Canary{rules: rules}
	if rules.Header != "" && rules.HeaderValue == "" && rules.HeaderPattern != "" {
		pattern, err := regexp.Compile(rules.HeaderPattern)
		if err != nil {
			return nil, fmt.Errorf("compiling the canary's header pattern: %w", err)
		}
		c.pattern = pattern
	}
	return c, nil
}

// Claims says whether the canary gets the request. The rules are those of ingress-nginx: header, then cookie, then
// weight, and the first that decides wins.
func (c *Canary) Claims(request Request) bool {
	if c.rules.Header != "" {
		if value, found := request.Header(c.rules.Header); found {
			if claimed, decided := c.byHeader(value); decided {
				return claimed
			}
		}
	}
	if c.rules.Cookie != "" {
		if value, found := request.Cookie(c.rules.Cookie); found {
			if claimed, decided := alwaysOrNever(value); decided {
				return claimed
			}
		}
	}
	//nolint:gosec // a share of the traffic is no secret
	return c.rules.Weight > 0 && rand.IntN(c.rules.Total()) < c.rules.Weight
}

func (c *Canary) byHeader(value string) (claimed, decided bool) {
	switch {
	case c.rules.HeaderValue != "":
		return true, value == c.rules.HeaderValue
	case c.pattern != nil:
		return true, c.pattern.MatchString(value)
	default:
		return alwaysOrNever(value)
	}
}

func alwaysOrNever(value string) (claimed, decided bool) {
	return value == "always", value == "always" || value == "never"
}
