package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/reports/evidence"
)

// step is the text of the last mark that had begun when a request failed.
func step(outcome Outcome, marks []evidence.LoadMark) string {
	for _, mark := range slices.Backward(marks) {
		if mark.From <= outcome.End() {
			return mark.Text
		}
	}
	return ""
}

// Summary describes the failed requests in one sentence: how many, when, how, and while which step acted. It is "" if there
// are none.
func (r Result) Summary(marks []evidence.LoadMark) string {
	failed := r.Failed()
	if len(failed) == 0 {
		return ""
	}
	kinds, steps := map[string]int{}, map[string]int{}
	first, last := failed[0].Due, failed[0].Due
	for _, outcome := range failed {
		kinds[kind(outcome)]++
		if name := step(outcome, marks); name != "" {
			steps[fmt.Sprintf("%q", name)]++
		}
		last = max(last, outcome.Due)
	}
	text := fmt.Sprintf("%d of %d requests failed, due from %.2f s to %.2f s after the start", len(failed), len(r.Outcomes), first.Seconds(), last.Seconds())
	if len(steps) > 0 {
		text += ", during or after the step " + mostFrequent(steps, false)
	}
	return text + ": " + mostFrequent(kinds, true)
}

// maxCauses is the most causes that are counted one by one.
const maxCauses = 20

// causes counts the failed requests by how they failed and after which step, the most frequent first.
func (r Result) causes(marks []evidence.LoadMark) []evidence.LoadCause {
	type group struct{ kind, step string }
	counted := map[group]*evidence.LoadCause{}
	for _, outcome := range r.Failed() {
		key := group{kind(outcome), step(outcome, marks)}
		if counted[key] == nil {
			counted[key] = &evidence.LoadCause{Kind: key.kind, Step: key.step, First: outcome.Due}
		}
		counted[key].Count++
		counted[key].Last = outcome.Due
	}
	var causes []evidence.LoadCause
	for _, cause := range counted {
		causes = append(causes, *cause)
	}
	slices.SortFunc(causes, func(a, b evidence.LoadCause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.First, b.First), cmp.Compare(a.Kind, b.Kind))
	})
	return causes[:min(len(causes), maxCauses)]
}

// kind is a failure without what differs between connections, such as ports.
func kind(outcome Outcome) string {
	if outcome.Unsent {
		return clusters.ErrClient.Error()
	}
	if outcome.Status != 0 && (outcome.Status < 200 || outcome.Status >= 400) {
		return fmt.Sprintf("status %d", outcome.Status)
	}
	text := outcome.Error
	for _, known := range []string{"Client.Timeout exceeded", "server closed idle connection", "connection reset by peer", "connection refused", "EOF", "no route to host", "i/o timeout", "context deadline exceeded"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return text
}

func mostFrequent(counts map[string]int, counted bool) string {
	names := slices.Collect(maps.Keys(counts))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	var texts []string
	for _, name := range names[:min(len(names), 5)] {
		if counted {
			name = fmt.Sprintf("%d × %s", counts[name], name)
		}
		texts = append(texts, name)
	}
	if len(names) > 5 {
		texts = append(texts, fmt.Sprintf("and %d other kinds", len(names)-5))
	}
	return strings.Join(texts, ", ")
}
