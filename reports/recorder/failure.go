package recorder

import (
	"errors"
	"strings"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/results"
)

// failure takes an error apart for reports. The first evidence.Failure in it is the failure, and what else a step has
// joined to it are the other deviations.
func failure(err error) *results.Failure {
	if err == nil {
		return &results.Failure{Message: "failed without saying why"}
	}
	f := &results.Failure{Message: err.Error()}
	if key := evidence.PortableText(err); key != f.Message {
		f.Key = key
	}
	var first *deviation
	all := deviations(err, "")
	for i := range all {
		d := &all[i]
		if d.failure != nil {
			f.Effect = max(f.Effect, d.failure.Effect)
			if first == nil {
				first = d
			}
		}
	}
	if first == nil {
		return f
	}
	f.Expected, f.Seen, f.Look, f.Context = first.failure.Expected, first.failure.Seen, first.failure.Look, first.context
	if first.failure.Cause != nil {
		f.Cause = first.failure.Cause.Error()
	}
	for i := range all {
		if d := &all[i]; d != first {
			f.Others = append(f.Others, d.result())
		}
	}
	return f
}

// deviation is one of the errors that a step has joined, without what was put around it.
type deviation struct {
	context string
	err     error
	failure *evidence.Failure // nil if it isn't one
}

// deviations are the errors in a tree of joined and wrapped errors, in order. An error that wraps no evidence.Failure is
// one deviation with all of its text.
func deviations(err error, context string) []deviation {
	switch e := err.(type) { //nolint:errorlint // it takes the tree apart
	case *evidence.Failure:
		return []deviation{{context: context, err: e, failure: e}}
	case interface{ Unwrap() []error }:
		if joined := e.Unwrap(); areJoined(err, joined) {
			var all []deviation
			for _, one := range joined {
				all = append(all, deviations(one, context)...)
			}
			return all
		}
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		if inner == nil {
			break
		}
		found := deviations(inner, strings.Trim(context+": "+around(err, inner), ": "))
		if len(found) > 1 || found[0].failure != nil {
			return found
		}
	}
	var within *evidence.Failure
	if errors.As(err, &within) {
		return []deviation{{context: around(err, within), err: err, failure: within}}
	}
	return []deviation{{context: context, err: err}}
}

// around is the text of an error without that of an error within it.
func around(err, inner error) string {
	return strings.Trim(strings.Replace(err.Error(), inner.Error(), "", 1), ":, \n")
}

// areJoined reports whether an error is one of errors.Join, and not one of fmt.Errorf with several errors in a sentence.
func areJoined(err error, inner []error) bool {
	texts := make([]string, 0, len(inner))
	for _, one := range inner {
		texts = append(texts, one.Error())
	}
	return err.Error() == strings.Join(texts, "\n")
}

func (d *deviation) result() results.Deviation {
	if d.failure == nil {
		return results.Deviation{Context: d.context, Seen: d.err.Error()}
	}
	return results.Deviation{Context: d.context, Expected: d.failure.Expected, Seen: d.failure.Seen}
}
