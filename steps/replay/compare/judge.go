package compare

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/statistics"
)

// Observed is one answer to a request that may have been sent several times.
type Observed struct {
	Answer record.Answer
	Took   time.Duration
}

// Verdict is the comparison of all answers to a request.
type Verdict struct {
	// Differences, the most serious first. There are none if the answers agree.
	Differences []Difference
	// Distribution of the answers, if their counts were compared.
	Distribution *evidence.Distribution
}

// Agrees reports whether there is no difference.
func (v Verdict) Agrees() bool { return len(v.Differences) == 0 }

// Judge compares the answers to a request with the recorded ones, in the way that the request says.
func Judge(request record.Request, observed []Observed) (Verdict, error) {
	if len(request.Answers) == 0 || len(observed) == 0 {
		return Verdict{}, fmt.Errorf("nothing to compare: %d answers recorded, %d observed", len(request.Answers), len(observed))
	}
	switch request.Judge {
	case record.JudgeSequence:
		return sequence(request, observed), nil
	case record.JudgeShare, record.JudgeTurns, record.JudgeBucket:
		return counted(request, observed)
	}
	for _, one := range observed {
		if _, differences := nearest(request, request.Answers, one.Answer); len(differences) > 0 {
			return Verdict{Differences: differences}, nil
		}
	}
	return Verdict{}, nil
}

// nearest returns the recorded answer that an observed one equals, or else the one with the fewest differences, and those.
func nearest(request record.Request, recorded []record.Answer, got record.Answer) (index int, differences []Difference) {
	for i, want := range recorded {
		found := Answers(request, want, got)
		if len(found) == 0 {
			return i, nil
		}
		if i == 0 || len(found) < len(differences) {
			index, differences = i, found
		}
	}
	return index, differences
}

const (
	// sameBackend in a sequence is the backend of the first answer.
	sameBackend = "the same"
	// orBackend separates the backends of which the first answer of a sequence may have any.
	orBackend = " or "
)

// sequence compares the answers in their order.
func sequence(request record.Request, observed []Observed) Verdict {
	first := ""
	next := 0
	for _, want := range request.Answers {
		for range max(1, want.Count) {
			if next == len(observed) {
				return Verdict{}
			}
			got := observed[next].Answer
			expected := want
			switch {
			case want.Backend == sameBackend:
				expected.Backend = first
			case containsBackend(want.Backend, got.Backend):
				expected.Backend = got.Backend
			}
			if next == 0 {
				first = got.Backend
			}
			next++
			if differences := Answers(request, expected, got); len(differences) > 0 {
				for i := range differences {
					differences[i].What += fmt.Sprintf(" (answer %d of %d)", next, len(observed))
				}
				return Verdict{Differences: differences}
			}
		}
	}
	return Verdict{}
}

func containsBackend(list, name string) bool {
	for one := range strings.SplitSeq(list, orBackend) {
		if one == name {
			return true
		}
	}
	return false
}

// counted compares how often there was which answer.
func counted(request record.Request, observed []Observed) (Verdict, error) {
	labels := make([]string, len(request.Answers))
	recorded, counts := statistics.Counts{}, statistics.Counts{}
	for i, answer := range request.Answers {
		labels[i] = label(answer)
		recorded[labels[i]] = answer.Count
	}
	var elapsed time.Duration
	for _, one := range observed {
		index, differences := nearest(request, request.Answers, one.Answer)
		if len(differences) > 0 {
			return Verdict{Differences: differences}, nil
		}
		counts[labels[index]]++
		elapsed += one.Took
	}
	distribution, err := distribute(request, labels, recorded, counts, elapsed)
	if err != nil {
		return Verdict{}, err
	}
	verdict := Verdict{Distribution: &distribution}
	if !statistics.Accepted(distribution) {
		gravity := AnotherBackend
		if request.Judge == record.JudgeBucket && counts[labels[0]] > distribution.Shares[0].High {
			gravity = ProtectionLost // the limit lets more through
		}
		verdict.Differences = []Difference{{
			Kind: Share, Gravity: gravity, What: "how often which answer came", Want: expectation(distribution), Got: countsText(labels, counts),
		}}
	}
	return verdict, nil
}

// distribute applies the test that the request names.
func distribute(request record.Request, labels []string, recorded, counts statistics.Counts, elapsed time.Duration) (evidence.Distribution, error) {
	const title = "answers"
	switch request.Judge {
	case record.JudgeTurns:
		return statistics.Even(title, counts, labels), nil
	case record.JudgeBucket:
		return bucket(title, labels, recorded, counts, elapsed.Seconds()*request.Refill), nil
	}
	shares := map[string]float64{}
	for i, answer := range request.Answers {
		if answer.Share > 0 {
			shares[labels[i]] = answer.Share
		}
	}
	if len(shares) == len(request.Answers) {
		return statistics.Split(title, counts, shares)
	}
	return statistics.Same(title, recorded, counts), nil
}

// bucket is the distribution of a rate limit that accepts as many requests as recorded, and those that were refilled during
// the requests.
func bucket(title string, labels []string, recorded, counts statistics.Counts, refilled float64) evidence.Distribution {
	total := counts.Total()
	low := recorded[labels[0]]
	high := min(total, low+int(math.Ceil(refilled)))
	distribution := evidence.Distribution{Title: title, Total: total, PValue: 1, Shares: []evidence.Share{
		{Label: labels[0], Observed: counts[labels[0]], Expected: float64(low), Low: low, High: high},
	}}
	for _, other := range labels[1:] {
		distribution.Shares = append(distribution.Shares, evidence.Share{
			Label: other, Observed: counts[other], Expected: float64(total - low), Low: 0, High: total - low,
		})
	}
	if !statistics.Accepted(distribution) {
		distribution.PValue = 0
	}
	return distribution
}

// label names an answer among those of a request.
func label(answer record.Answer) string {
	if answer.Backend != "" {
		return Outcome(answer) + " from " + answer.Backend
	}
	return Outcome(answer)
}

func expectation(distribution evidence.Distribution) string {
	var parts []string
	for _, share := range distribution.Shares {
		parts = append(parts, fmt.Sprintf("%d to %d × %s", share.Low, share.High, share.Label))
	}
	return strings.Join(parts, ", ")
}

func countsText(labels []string, counts statistics.Counts) string {
	var parts []string
	for _, label := range labels {
		parts = append(parts, fmt.Sprintf("%d × %s", counts[label], label))
	}
	return strings.Join(parts, ", ")
}
