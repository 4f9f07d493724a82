package accesslog

import (
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// Rules are compiled route.AccessLog settings. A nil *Rules logs all requests as JSON.
type Rules struct {
	off      bool
	texts    []string // lower case
	patterns []*regex.Expression
	format   *Format // nil is JSON
}

// Compile compiles settings; the result of the zero value is nil. What is wrong is left out, and returned.
func Compile(settings route.AccessLog) (*Rules, []error) {
	if settings.Equal(route.AccessLog{}) {
		return nil, nil
	}
	rules := &Rules{off: settings.Off}
	var problems []error
	for _, text := range settings.Skip {
		pattern, isPattern := skipPattern(text)
		if !isPattern {
			rules.texts = append(rules.texts, strings.ToLower(text))
			continue
		}
		compiled, err := regex.Compile(pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf("the access log leaves out %q: %w", text, err))
			continue
		}
		rules.patterns = append(rules.patterns, compiled)
	}
	if settings.Format != "" {
		format, err := ParseFormat(settings.Format, settings.Escape)
		if err != nil {
			problems = append(problems, fmt.Errorf("the format of the access log: %w", err))
		}
		rules.format = format
	}
	return rules, problems
}

// skipPattern returns the regular expression in a text of route.AccessLog.Skip.
func skipPattern(text string) (pattern string, isPattern bool) {
	if pattern, found := strings.CutPrefix(text, "~*"); found {
		return "(?i)" + pattern, true
	}
	return strings.CutPrefix(text, "~")
}

// CheckSkip returns what is wrong with a text of route.AccessLog.Skip.
func CheckSkip(text string) error {
	pattern, isPattern := skipPattern(text)
	if !isPattern {
		return nil
	}
	_, err := regex.Compile(pattern)
	return err
}

// Logs reports whether a request is logged, by the parts of its target.
func (r *Rules) Logs(path, query string, hasQuery bool) bool {
	if r == nil {
		return true
	}
	if r.off {
		return false
	}
	if len(r.texts) == 0 && len(r.patterns) == 0 {
		return true
	}
	target := path
	if hasQuery {
		target += "?" + query
	}
	for _, text := range r.texts {
		if strings.EqualFold(text, target) {
			return false
		}
	}
	for _, pattern := range r.patterns {
		if pattern.MatchString(target) {
			return false
		}
	}
	return true
}

// lineFormat is that of the lines; nil is JSON.
func (r *Rules) lineFormat() *Format {
	if r == nil {
		return nil
	}
	return r.format
}
