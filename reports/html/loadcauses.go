package html

import (
	"strings"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/plot"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// loadCauseView is a sentence about requests that failed in one way after one step.
type loadCauseView struct {
	Count         int
	Kind, Meaning string
	When          string
	Mark          int    // the number of the step; 0 if it has none
	Step          string // its text
}

func newLoadCauses(l *evidence.Load) []loadCauseView {
	views := make([]loadCauseView, 0, len(l.Causes))
	for _, cause := range l.Causes {
		view := loadCauseView{
			Count: cause.Count, Kind: plaintext.Line(cause.Kind), Meaning: causeMeaning(cause.Kind),
			When: "due " + plot.Between(cause.First, cause.Last), Step: plaintext.Line(cause.Step),
		}
		for i, mark := range l.Marks {
			if cause.Step != "" && mark.Text == cause.Step && mark.From <= cause.Last {
				view.Mark = i + 1 // the last one, if steps are repeated
			}
		}
		views = append(views, view)
	}
	return views
}

// causeMeaning explains how a request failed to readers who don't know the terms of TCP and HTTP; "" for what needs no
// explanation.
func causeMeaning(kind string) string {
	for _, known := range []struct{ kind, meaning string }{
		{"the client could not connect", "The client's own machine failed, so that no packet was sent: it is too busy for this rate. The controller did not " +
			"lose these requests."},
		{"server closed idle connection", "The controller closed an idle connection as the request arrived, as when it stops; clients usually send it again."},
		{"status 404", "The controller answered, but had no route for the request: it did not have the Ingress yet, or no longer."},
		{"status 500", "The controller or the backend answered with an error of its own."},
		{"status 502", "The controller answered: the backend refused or broke the connection, and the request could not be sent to another one."},
		{"status 503", "The controller answered: it had no backend for the request, or limits rejected it."},
		{"status 504", "The controller answered: the backend did not answer in time."},
		{"connection refused", "Nothing accepted connections where the request arrived: no Pod of the controller was ready, or a node still sent " +
			"connections to one that had closed its ports."},
		{"connection reset by peer", "The other side ended the connection before it had answered, as when a Pod of the controller is killed."},
		{"EOF", "The connection was closed without a complete response: the controller stopped while it was answering, or closed an idle " +
			"connection as the request arrived."},
		{"no route to host", "The packets could not be delivered: a machine or a Pod's network was gone."},
		{"i/o timeout", "No answer within the client's time limit: packets were lost, or the other side was too busy or hung."},
		{"context deadline exceeded", "No answer within the client's time limit: packets were lost, or the other side was too busy or hung."},
		{"Client.Timeout", "No answer within the client's time limit: packets were lost, or the other side was too busy or hung."},
	} {
		if strings.Contains(kind, known.kind) {
			return known.meaning
		}
	}
	return ""
}
