package statistics_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/statistics"
)

func TestEven(t *testing.T) {
	for _, test := range []struct {
		name     string
		observed statistics.Counts
		outcomes []string
		accepted bool
	}{
		{"100 over two", statistics.Counts{"a": 50, "b": 50}, []string{"a", "b"}, true},
		{"100 over three", statistics.Counts{"a": 33, "b": 34, "c": 33}, []string{"a", "b", "c"}, true},
		{"one off", statistics.Counts{"a": 51, "b": 49}, []string{"a", "b"}, false},
		{"one left out", statistics.Counts{"a": 50, "b": 50}, []string{"a", "b", "c"}, false},
		{"a stranger", statistics.Counts{"a": 50, "b": 49, "x": 1}, []string{"a", "b"}, false},
		{"35, 33, 32", statistics.Counts{"a": 35, "b": 33, "c": 32}, []string{"a", "b", "c"}, false},
		{"no request", statistics.Counts{}, []string{"a", "b"}, false},
		{"one pod", statistics.Counts{"a": 7}, []string{"a"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			distribution := statistics.Even("title", test.observed, test.outcomes)
			if got := statistics.Accepted(distribution); got != test.accepted {
				t.Errorf("accepted is %v, want %v: %+v", got, test.accepted, distribution)
			}
		})
	}
}

func split(t *testing.T, observed statistics.Counts, probabilities map[string]float64) evidence.Distribution {
	t.Helper()
	distribution, err := statistics.Split("title", observed, probabilities)
	if err != nil {
		t.Fatal(err)
	}
	return distribution
}

func TestSplit(t *testing.T) {
	ninetyTen := map[string]float64{"v1": 0.9, "v2": 0.1}
	for _, test := range []struct {
		name          string
		observed      statistics.Counts
		probabilities map[string]float64
		accepted      bool
	}{
		{"as in the article", statistics.Counts{"v1": 876, "v2": 124}, ninetyTen, true},
		{"exact", statistics.Counts{"v1": 900, "v2": 100}, ninetyTen, true},
		{"80/20", statistics.Counts{"v1": 800, "v2": 200}, ninetyTen, false},
		{"97/3", statistics.Counts{"v1": 970, "v2": 30}, ninetyTen, false},
		{"inverted", statistics.Counts{"v1": 100, "v2": 900}, ninetyTen, false},
		{"no canary", statistics.Counts{"v1": 1000}, ninetyTen, false},
		{"too few to tell", statistics.Counts{"v1": 100}, ninetyTen, true},
		{"a stranger", statistics.Counts{"v1": 900, "v2": 99, "": 1}, ninetyTen, false},
		{"all", statistics.Counts{"v1": 100}, map[string]float64{"v1": 1, "v2": 0}, true},
		{"not quite all", statistics.Counts{"v1": 99, "v2": 1}, map[string]float64{"v1": 1, "v2": 0}, false},
		{"no request", statistics.Counts{}, ninetyTen, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			distribution := split(t, test.observed, test.probabilities)
			if got := statistics.Accepted(distribution); got != test.accepted {
				t.Errorf("accepted is %v, want %v: %+v", got, test.accepted, distribution)
			}
			if outside := distribution.PValue < distribution.FalseAlarm; outside == test.accepted && distribution.Total > 0 {
				t.Errorf("p = %g contradicts accepted = %v", distribution.PValue, test.accepted)
			}
		})
	}
}

// The interval is checked against the probabilities of the binomial distribution, summed up one by one.
func TestIntervalProbability(t *testing.T) {
	for _, trials := range []int{1, 10, 100, 1000} {
		for _, probability := range []float64{0.001, 0.1, 0.5, 0.97} {
			distribution := split(t, statistics.Counts{"a": trials}, map[string]float64{"a": probability, "b": 1 - probability})
			for _, share := range distribution.Shares {
				p := share.Expected / float64(trials)
				outside, atEdges := 0.0, 0.0
				for k := range trials + 1 {
					mass := pmf(trials, p, k)
					if k < share.Low || k > share.High {
						outside += mass
					}
					if (k == share.Low && k > 0) || (k == share.High && k < trials) {
						atEdges += mass
					}
				}
				if outside > statistics.FalseAlarm/2 {
					t.Errorf("n=%d p=%g: a right count is refused with probability %g", trials, p, outside)
				}
				if atEdges > 0 && outside+atEdges < statistics.FalseAlarm/4 {
					t.Errorf("n=%d p=%g: the interval %d to %d is wider than needed", trials, p, share.Low, share.High)
				}
			}
		}
	}
}

func pmf(n int, p float64, k int) float64 {
	ln, _ := math.Lgamma(float64(n + 1))
	lk, _ := math.Lgamma(float64(k + 1))
	lnk, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(ln - lk - lnk + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

func TestARandomSplitIsAccepted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		observed := statistics.Counts{}
		for range 1000 {
			if random.Float64() < 0.1 {
				observed["v2"]++
			} else {
				observed["v1"]++
			}
		}
		if distribution := split(t, observed, map[string]float64{"v1": 0.9, "v2": 0.1}); !statistics.Accepted(distribution) {
			t.Fatalf("refused: %+v", distribution)
		}
	}
}

func TestInvalidShares(t *testing.T) {
	for _, probabilities := range []map[string]float64{{"a": 0.9, "b": 0.2}, {"a": 1.5, "b": -0.5}, {"a": math.NaN()}, {}} {
		if _, err := statistics.Split("title", statistics.Counts{"a": 1}, probabilities); err == nil {
			t.Errorf("%v: no error", probabilities)
		} else if !strings.Contains(err.Error(), "share") {
			t.Errorf("%v: error %q doesn't say that the shares are wrong", probabilities, err)
		}
	}
}
