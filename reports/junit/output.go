package junit

import (
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/plaintext"
	"github.com/ingress-testbed/testbed/reports/results"
)

// Limits in bytes: readers load the whole file.
const (
	maxLine   = 1 << 10
	maxText   = 16 << 10
	maxOutput = 64 << 10
)

// output is the scenario as text: its steps, and the evidence that reads as text.
func output(scenario *results.Scenario) string {
	var text strings.Builder
	for i := range scenario.Steps {
		step := &scenario.Steps[i]
		fmt.Fprintf(&text, "%-9s %s %s", step.Status, step.Keyword, line(step.Text, ""))
		if step.Duration > 0 {
			fmt.Fprintf(&text, " (%s)", step.Duration.Round(time.Microsecond))
		}
		text.WriteByte('\n')
		for _, e := range step.Evidence {
			describe(&text, e)
		}
	}
	return shorten(plaintext.Clean(text.String()), maxOutput)
}

func describe(text *strings.Builder, e evidence.Evidence) {
	switch e := e.(type) {
	case evidence.Text:
		fmt.Fprintf(text, "\n--- %s ---\n%s\n", e.Title, shorten(e.Body, maxText))
	case evidence.Distribution:
		fmt.Fprintf(text, "\n--- %s: %d requests ---\n", e.Title, e.Total)
		for _, share := range e.Shares {
			fmt.Fprintf(text, "%8d  %s (expected %.1f, accepted %d to %d)\n",
				share.Observed, share.Label, share.Expected, share.Low, share.High)
		}
		if e.Test != "" {
			fmt.Fprintf(text, "%s; p = %.3g, chance of a false alarm %.3g\n", e.Test, e.PValue, e.FalseAlarm)
		}
	case evidence.Ladder:
		fmt.Fprintf(text, "\n--- %s: %d packets ---\n", e.Title, len(e.Packets))
		for i, packet := range e.Packets {
			if i == 100 {
				fmt.Fprintf(text, "… and %d more\n", len(e.Packets)-i)
				break
			}
			fmt.Fprintf(text, "%s  %s > %s: %s %s\n",
				packet.Time.UTC().Format("15:04:05.000000"), packet.From, packet.To, packet.Label, packet.Detail)
		}
	case evidence.Load:
		describeLoad(text, &e)
	case results.Reference:
		fmt.Fprintf(text, "\n--- %s: %s%s ---\n", e.Title, e.Href, e.Error)
	case results.SavedFile:
		fmt.Fprintf(text, "\n--- %s: %s%s ---\n", e.Name, e.Href, e.Error)
	}
}

// maxFailures bounds the failed requests that are listed.
const maxFailures = 20

func describeLoad(text *strings.Builder, l *evidence.Load) {
	fmt.Fprintf(text, "\n--- %s: %s ---\n%d requests in %s, %d failed\n", l.Title, l.Plan, l.Requests, l.Duration.Round(time.Millisecond), l.Failed)
	for _, q := range l.Quantiles {
		switch q.Quantile {
		case 0.5, 0.9, 0.99, 1:
			fmt.Fprintf(text, "%3g %% within %s\n", 100*q.Quantile, q.Latency.Round(10*time.Microsecond))
		}
	}
	if cores, memory, known := l.Used(); known {
		fmt.Fprintf(text, "the ingress controller used %.2f cores and at most %d MiB\n", cores, memory>>20)
	}
	for _, mark := range l.Marks {
		fmt.Fprintf(text, "%8.3f s to %.3f s: %s\n", mark.From.Seconds(), mark.To.Seconds(), mark.Text)
	}
	for i, failure := range l.Failures {
		if i == maxFailures {
			fmt.Fprintf(text, "… and %d more\n", l.Failed-i)
			break
		}
		fmt.Fprintf(text, "%8.3f s failed: %s %s %s\n", failure.At.Seconds(), failure.URL, failure.Error, failure.Backend)
	}
	if l.Bottleneck != "" {
		fmt.Fprintf(text, "%s\n", l.Bottleneck)
	}
}

// line is a text for an attribute, or the other one if it has nothing to show.
func line(text, otherwise string) string {
	if text = plaintext.Line(shorten(text, maxLine)); text != "" {
		return text
	}
	return otherwise
}

func shorten(text string, limit int) string {
	return plaintext.Shorten(text, limit, func(omitted int) string {
		return fmt.Sprintf("\n… %d bytes left out …\n", omitted)
	})
}
