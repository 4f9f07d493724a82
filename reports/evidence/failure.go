package evidence

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/effect"
)

// Failure is the error of a step that saw something else than it expected. Steps return it, wrapped or not, and the
// reports show its parts apart.
type Failure struct {
	// Expected and Seen are whole phrases or values, such as "status 404" and "status 200".
	Expected string
	Seen     string
	// Look says where the reason is likely to be found, the best place first.
	Look []string
	// Cause is the error behind it, if there is one.
	Cause error
	// Effect is what the failure means to those who use the Ingress; effect.None if it says nothing about an answer.
	Effect effect.Effect
}

// Error has the parts on lines of their own.
func (f *Failure) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "expected: %s\n    seen: %s", f.Expected, f.Seen)
	if f.Cause != nil {
		fmt.Fprintf(&text, "\n because: %v", f.Cause)
	}
	label := " look at:"
	for _, place := range f.Look {
		fmt.Fprintf(&text, "\n%s %s", label, place)
		label = "         "
	}
	return text.String()
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// portableError is an error with the text that it has in every run.
type portableError struct {
	error
	text string
}

// Portable returns the error with a text in which nothing is left that only one run has, such as generated names. By this
// text, reports recognise the same failure in several runs.
func Portable(err error, text string) error { return &portableError{err, text} }

// Unwrap gives the error.
func (e *portableError) Unwrap() error { return e.error }

// PortableText is the text that Portable was called with, or that of the error.
func PortableText(err error) string {
	var portable *portableError
	if errors.As(err, &portable) {
		return portable.text
	}
	return err.Error()
}

// Skip is the error with which a step or a hook leaves a scenario out, because of the reason. Reports show the
// reason; a scenario without one is reported with "no reason given".
func Skip(reason string) error {
	return fmt.Errorf("%w: %s", godog.ErrSkip, reason)
}

// SkipReason is the text that an error made by Skip, or any other that wraps godog.ErrSkip, gives as its reason. It
// is empty if there is none, or if err does not skip.
func SkipReason(err error) string {
	if !errors.Is(err, godog.ErrSkip) {
		return ""
	}
	// godog adds this in front when a hook skips, which is no failure.
	reason := strings.TrimPrefix(err.Error(), "before scenario hook failed: ")
	reason = strings.TrimPrefix(reason, "before step hook failed: ")
	reason = strings.TrimPrefix(reason, godog.ErrSkip.Error())
	reason = strings.TrimSuffix(reason, ": "+godog.ErrSkip.Error())
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(reason), ":"))
}
