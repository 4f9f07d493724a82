package balance

import (
	"math/rand/v2"
	"sort"
)

// Weights draws one of several at random, in proportion to their weights. Draws do not depend on each other: shares are
// exact only in the long run.
type Weights struct {
	sums []int64 // of the weights up to each
}

// NewWeights makes the draw of as many as there are weights. None of them may be negative.
func NewWeights(weights []int) Weights {
	w := Weights{sums: make([]int64, len(weights))}
	var sum int64
	for i, weight := range weights {
		sum += int64(weight)
		w.sums[i] = sum
	}
	return w
}

// Draw returns an index; -1 if all weights are 0. One that has weight 0 is never drawn.
func (w Weights) Draw() int {
	if len(w.sums) == 0 {
		return -1
	}
	total := w.sums[len(w.sums)-1]
	switch {
	case total == 0:
		return -1
	case len(w.sums) == 1:
		return 0
	}
	drawn := rand.Int64N(total) //nolint:gosec // a share of the traffic need not be unpredictable
	return sort.Search(len(w.sums), func(i int) bool { return w.sums[i] > drawn })
}
