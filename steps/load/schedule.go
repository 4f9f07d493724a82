package load

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxDuration bounds a load run.
	MaxDuration = 10 * time.Minute
	// maxRate bounds the requests a second.
	maxRate = 100_000
	// maxPhases bounds the phases of a schedule.
	maxPhases = 100
)

// Schedule says when each request of a load run is due: at rates that are constant or grow or fall linearly, in phases
// that follow each other.
type Schedule struct{ phases []phase }

// phase is a part of a schedule. Rates are requests a second.
type phase struct {
	from, to float64
	start    time.Duration
	length   time.Duration // 0 if it has no end
	before   float64       // requests of the phases before
}

// Constant returns a schedule without end.
func Constant(rate float64) Schedule { return Schedule{phases: []phase{{from: rate, to: rate}}} }

// For returns the schedule cut off after a duration.
func (s Schedule) For(duration time.Duration) Schedule {
	var cut []phase
	for _, p := range s.phases {
		left := duration - p.start
		if left <= 0 {
			break
		}
		if p.length == 0 || p.length > left {
			p.to = p.rate(left)
			p.length = left
		}
		cut = append(cut, p)
	}
	return Schedule{phases: cut}
}

// Scaled returns the schedule with all rates multiplied by a factor above 0, up to the highest rate.
func (s Schedule) Scaled(factor float64) Schedule {
	var scaled Schedule
	next := phase{}
	for _, p := range s.phases {
		next.from, next.to, next.length = min(p.from*factor, maxRate), min(p.to*factor, maxRate), p.length
		scaled.phases = append(scaled.phases, next)
		next.start += next.length
		next.before += next.requests(next.length)
	}
	return scaled
}

// ParseSchedule parses phases that are separated by commas:
//
//	500                      500 requests a second, until the run ends
//	100 for 2s               for a time, in Go's syntax
//	100 to 500 over 3s       from one rate to the other
//
// Only the last phase may have no end. "100 for 1s, 200 for 1s, 400 for 1s" rises in steps.
func ParseSchedule(text string) (Schedule, error) {
	expression := regexp.MustCompile(`^(\d{1,9}(?:\.\d{1,6})?)(?: for (\S+)| to (\d{1,9}(?:\.\d{1,6})?) over (\S+))?$`)
	var schedule Schedule
	next := phase{}
	parts := strings.Split(text, ",")
	if len(parts) > maxPhases {
		return Schedule{}, fmt.Errorf("a schedule has at most %d phases, not %d", maxPhases, len(parts))
	}
	for i, part := range parts {
		part = strings.Join(strings.Fields(part), " ")
		found := expression.FindStringSubmatch(part)
		if found == nil {
			return Schedule{}, fmt.Errorf("%q is not a rate such as \"500\", \"100 for 2s\" or \"100 to 500 over 3s\"", part)
		}
		var err error
		if next.from, err = parseRate(found[1]); err != nil {
			return Schedule{}, err
		}
		next.to = next.from
		if found[3] != "" {
			if next.to, err = parseRate(found[3]); err != nil {
				return Schedule{}, err
			}
		}
		next.length = 0
		if length := found[2] + found[4]; length != "" {
			if next.length, err = time.ParseDuration(length); err != nil || next.length <= 0 {
				return Schedule{}, fmt.Errorf("%q is not a duration such as 500ms or 2s", length)
			}
		} else if i < len(parts)-1 {
			return Schedule{}, fmt.Errorf("the phase %q has no end, so that none can follow it: write \"%s for 2s\"", part, part)
		}
		if next.length > MaxDuration-next.start {
			return Schedule{}, fmt.Errorf("a load run lasts %s at most", MaxDuration)
		}
		schedule.phases = append(schedule.phases, next)
		next.start += next.length
		next.before += next.requests(next.length)
	}
	return schedule, nil
}

func parseRate(text string) (float64, error) {
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || rate > maxRate {
		return 0, fmt.Errorf("the rate %s is not one from 0 to %d requests a second", text, maxRate)
	}
	return rate, nil
}

// rate is that at a time after the start of the phase.
func (p phase) rate(t time.Duration) float64 {
	if p.length == 0 {
		return p.from
	}
	return p.from + (p.to-p.from)*t.Seconds()/p.length.Seconds()
}

// requests are those of the phase until a time after its start.
func (p phase) requests(t time.Duration) float64 {
	return (p.from + p.rate(t)) / 2 * t.Seconds()
}

// at is the inverse of requests.
func (p phase) at(n float64) time.Duration {
	if n <= 0 {
		return 0
	}
	slope := 0.0
	if p.length > 0 {
		slope = (p.to - p.from) / p.length.Seconds()
	}
	root := math.Sqrt(max(0, p.from*p.from+2*slope*n))
	return time.Duration(2 * n / (p.from + root) * float64(time.Second))
}

// At returns when a request is due, after the start of the run. The first request has the number 0. It returns false if
// the schedule ends before.
func (s Schedule) At(number uint64) (time.Duration, bool) {
	n := float64(number)
	for _, p := range s.phases {
		if p.length == 0 && p.from == 0 {
			return 0, false
		}
		// The sum of a phase may be off by rounding.
		if p.length == 0 || n < p.before+p.requests(p.length)-1e-6 {
			return p.start + p.at(n-p.before), true
		}
	}
	return 0, false
}

// Pace implements vegeta.Pacer.
func (s Schedule) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	due, ok := s.At(hits)
	if !ok || elapsed > MaxDuration {
		return 0, true
	}
	return max(0, due-elapsed), false
}

// Rate implements vegeta.Pacer.
func (s Schedule) Rate(elapsed time.Duration) float64 {
	for _, p := range s.phases {
		if p.length == 0 || elapsed < p.start+p.length {
			return p.rate(elapsed - p.start)
		}
	}
	return 0
}

// String is in the form that ParseSchedule takes.
func (s Schedule) String() string {
	texts := make([]string, 0, len(s.phases))
	for _, p := range s.phases {
		switch {
		case p.length == 0:
			texts = append(texts, number(p.from))
		case p.from == p.to:
			texts = append(texts, fmt.Sprintf("%s for %s", number(p.from), p.length))
		default:
			texts = append(texts, fmt.Sprintf("%s to %s over %s", number(p.from), number(p.to), p.length))
		}
	}
	return strings.Join(texts, ", ")
}

func number(rate float64) string { return strconv.FormatFloat(rate, 'f', -1, 64) }
