package results

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// RoundURI is the path of a feature file or folder in a round of a repeated run, counted from 1.
func RoundURI(round int, uri string) string {
	if round == 1 {
		return uri
	}
	return path.Join(roundFolder(round), uri)
}

func roundFolder(round int) string { return "round " + strconv.Itoa(round) }

// WithoutRound is the path of a feature file or folder as the user knows it.
func WithoutRound(uri string) string {
	folder, rest, found := strings.Cut(uri, "/")
	if !found {
		folder, rest = uri, "."
	}
	number, isRound := strings.CutPrefix(folder, "round ")
	if n, err := strconv.Atoi(number); isRound && err == nil && n > 1 && roundFolder(n) == folder {
		return rest
	}
	return uri
}

// Repeated is a scenario with its outcomes in the rounds of a run that repeats its scenarios.
type Repeated struct {
	// URI of the feature file, as the user knows it, and the feature and scenario of the first round.
	URI      string
	Feature  *Feature
	Scenario *Scenario
	// Rounds are the outcomes in order.
	Rounds []Status
}

// Repeated lists the scenarios of a run, those of all rounds as one. In a run that isn't repeated, each has one round.
func (r *Run) Repeated() []*Repeated {
	type key struct{ uri, name string }
	var all []*Repeated
	known := map[key]*Repeated{}
	for i := range r.Features {
		feature := &r.Features[i]
		uri := WithoutRound(feature.URI)
		for j := range feature.Scenarios {
			scenario := &feature.Scenarios[j]
			of := key{uri, fmt.Sprintf("%d %s", scenario.Line, scenario.FullName())}
			if known[of] == nil {
				known[of] = &Repeated{URI: uri, Feature: feature, Scenario: scenario}
				all = append(all, known[of])
			}
			known[of].Rounds = append(known[of].Rounds, scenario.Status())
		}
	}
	return all
}

// Title is like "conformance/paths.feature:10 Path types".
func (r *Repeated) Title() string {
	return fmt.Sprintf("%s:%d %s", r.URI, r.Scenario.Line, r.Scenario.FullName())
}

// Failed counts the rounds in which the scenario failed, and ran those in which it passed or failed.
func (r *Repeated) Failed() (failed, ran int) {
	for _, status := range r.Rounds {
		if status.Failing() {
			failed++
		}
		if status.Failing() || status == Passed {
			ran++
		}
	}
	return failed, ran
}

// Unsteady reports whether the scenario has passed in one round and failed in another: the outcome is chance, or depends on
// what ran before.
func (r *Repeated) Unsteady() bool {
	failed, ran := r.Failed()
	return failed > 0 && failed < ran
}

// Status is that of all rounds: failing if one is, and otherwise that of the first round that has not passed, or Passed.
func (r *Repeated) Status() Status {
	all := Passed
	for _, status := range r.Rounds {
		switch {
		case status.Failing():
			return status
		case all == Passed:
			all = status
		}
	}
	return all
}

// Unsteady lists the unsteady scenarios of a run, a line each.
func (r *Run) Unsteady() []string {
	var lines []string
	for _, scenario := range r.Repeated() {
		if failed, ran := scenario.Failed(); scenario.Unsteady() {
			lines = append(lines, fmt.Sprintf("%s: failed in %d of %d rounds", scenario.Title(), failed, ran))
		}
	}
	return lines
}
