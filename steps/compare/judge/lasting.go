package judge

import (
	"encoding/json"
	"regexp"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

var (
	requestID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	// certificate is one in PEM, perhaps percent-encoded, or what is between its first and last line.
	certificate = regexp.MustCompile(`^(-----BEGIN( |%20)CERTIFICATE|MII[A-Za-z0-9+/%]{100})`)
)

// lasting is a value of a header field without what depends on the moment. Each target has certificates of its own.
func lasting(value string) string {
	switch {
	case requestID.MatchString(value):
		return "a request ID"
	case certificate.MatchString(value):
		return "a certificate"
	}
	return value
}

// lastingAnswer is an answer without what depends on the moment: request IDs, and the values of cookies that the controller
// sets.
func lastingAnswer(answer record.Answer) record.Answer {
	if answer.Saw != nil {
		saw := *answer.Saw
		saw.Headers = map[string]record.Values{}
		for name, values := range answer.Saw.Headers {
			saw.Headers[name] = masked(values, lasting)
		}
		answer.Saw = &saw
	}
	headers := map[string]record.Values{}
	for name, values := range answer.Headers {
		if name == "Set-Cookie" {
			values = masked(values, cookie)
		}
		headers[name] = masked(values, lasting)
	}
	answer.Headers = headers
	return answer
}

func masked(values record.Values, mask func(string) string) record.Values {
	var all record.Values
	for _, value := range values {
		all = append(all, mask(value))
	}
	return all
}

var (
	cookieValue = regexp.MustCompile(`^([^=;]+)=[^;]{16,}`)
	expires     = regexp.MustCompile(`(?i)(expires)=[^;]*`)
)

// cookie is a Set-Cookie field without a long value, which is a session, and without the moment at which it expires.
func cookie(value string) string {
	return expires.ReplaceAllString(cookieValue.ReplaceAllString(value, "$1=SESSION"), "$1=DATE")
}

// Distinct returns the first of those observations of one answer that don't differ in anything that Differences compares.
func Distinct(all []Observation) []Observation {
	var distinct []Observation
	known := map[string]bool{}
	for _, one := range all {
		content, err := json.Marshal(lastingAnswer(one.Answers[0].Answer))
		if key := string(content); err != nil || !known[key] {
			known[key] = true
			distinct = append(distinct, one)
		}
	}
	return distinct
}
