package explain

import (
	"fmt"
	"slices"
	"strings"
)

// differences are phrases about how the other mode answers, most serious first. What chance has decided is compared by its odds.
func differences(own, other *Explanation) []string {
	var all []string
	add := func(what, a, b string) {
		if a != b {
			all = append(all, fmt.Sprintf("%s: %s in place of %s", what, orNone(b), orNone(a)))
		}
	}
	sameSide := own.Backend == nil && other.Backend == nil
	if own.Backend != nil && other.Backend != nil {
		add("backend", strings.Join(own.Backend.Odds, ", "), strings.Join(other.Backend.Odds, ", "))
		sameSide = own.Backend.Service == other.Backend.Service
	} else if own.Backend != other.Backend {
		add("backend", backendName(own), backendName(other))
	}
	add("answer", answerText(own), answerText(other))
	add("path", selectedPath(own), selectedPath(other))
	add("passthrough", passthroughText(own), passthroughText(other))
	add("certificate", certificateText(own), certificateText(other))
	all = append(all, fieldDifferences("reply field", own.Answer.Header, other.Answer.Header)...)
	if sameSide && own.Sent != nil && other.Sent != nil {
		add("the backend gets", own.Sent.Line, other.Sent.Line)
		all = append(all, fieldDifferences("request field", own.Sent.Header, other.Sent.Header)...)
	}
	return all
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func backendName(x *Explanation) string {
	if x.Backend == nil {
		return ""
	}
	return x.Backend.Service
}

func answerText(x *Explanation) string {
	return fmt.Sprintf("%d by the %s", x.Answer.Status, x.Answer.By)
}

func selectedPath(x *Explanation) string {
	for _, path := range x.Paths {
		if path.Selected {
			return strings.TrimSpace(path.Match + " " + path.Source)
		}
	}
	return ""
}

func passthroughText(x *Explanation) string {
	if x.Passthrough == nil {
		return ""
	}
	return "to Service " + x.Passthrough.Service
}

func certificateText(x *Explanation) string {
	if x.Certificate == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", secretText(x.Certificate), x.Certificate.Match)
}

// fieldDifferences leaves out fields that differ from request to request.
func fieldDifferences(what string, own, other []Field) []string {
	var all []string
	compare := func(format string, from, to []Field) {
		for _, field := range from {
			if !slices.Contains([]string{"Date", "Content-Length", "X-Request-Id"}, field.Name) && !slices.Contains(to, field) {
				all = append(all, fmt.Sprintf(format, what, field))
			}
		}
	}
	compare("%s %s is added", other, own)
	compare("%s %s is missing", own, other)
	return all
}
