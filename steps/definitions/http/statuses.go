package http

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/world"
)

// statusBounds is how many responses may have a status.
type statusBounds struct{ status, least, most int }

func (b statusBounds) String() string {
	return fmt.Sprintf("%d to %d times %d", b.least, b.most, b.status)
}

// statusesAre expects how many responses have each status, from "at least" to "at most"; there must be no other status.
func statusesAre(ctx context.Context, table *godog.Table) error {
	bounds, err := readBounds(table)
	if err != nil {
		return err
	}
	scenario := world.From(ctx)
	if _, err := scenario.Last(); err != nil {
		return err
	}
	seen := map[int]int{}
	for _, exchange := range scenario.Exchanges {
		seen[exchange.Status]++
	}
	few, many := deviating(bounds, seen)
	if len(few)+len(many) == 0 {
		return nil
	}
	expected := make([]string, 0, len(bounds))
	for _, b := range bounds {
		expected = append(expected, b.String())
	}
	return world.AnswerFailure(countsEffect(bounds, few, many, scenario.Protects), strings.Join(expected, ", ")+", and no other status",
		fmt.Sprint(seen), world.Diagnosis)
}

func readBounds(table *godog.Table) ([]statusBounds, error) {
	rows, err := arguments.Rows(table, "status", "at least", "at most")
	if err != nil {
		return nil, err
	}
	var bounds []statusBounds
	for i, row := range rows {
		status, errStatus := strconv.Atoi(row["status"])
		least, errLeast := strconv.Atoi(row["at least"])
		most, errMost := strconv.Atoi(row["at most"])
		if err := errors.Join(errStatus, errLeast, errMost); err != nil {
			return nil, fmt.Errorf("row %d: the status, at least and at most must be numbers: %w", i+1, err)
		}
		if slices.ContainsFunc(bounds, func(b statusBounds) bool { return b.status == status }) {
			return nil, fmt.Errorf("the status %d is in the table twice", status)
		}
		bounds = append(bounds, statusBounds{status, least, most})
	}
	return bounds, nil
}

// deviating are the statuses that too few responses have, and those that too many have.
func deviating(bounds []statusBounds, seen map[int]int) (few, many []int) {
	expected := map[int]bool{}
	for _, b := range bounds {
		expected[b.status] = true
		switch count := seen[b.status]; {
		case count < b.least:
			few = append(few, b.status)
		case count > b.most:
			many = append(many, b.status)
		}
	}
	for status := range seen {
		if !expected[status] {
			many = append(many, status)
		}
	}
	return few, many
}

// countsEffect is the gravest effect of the responses that may have one status in place of another.
func countsEffect(bounds []statusBounds, few, many []int, protects bool) effect.Effect {
	var all []int
	for _, b := range bounds {
		all = append(all, b.status)
	}
	if len(few) == 0 {
		few = all
	}
	if len(many) == 0 {
		many = all
	}
	gravest := effect.AnswersDifferently
	for _, want := range few {
		for _, got := range many {
			if want != got {
				gravest = max(gravest, statusEffect(want, got, protects))
			}
		}
	}
	return gravest
}
