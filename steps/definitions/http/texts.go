package http

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/world"
)

// textsAre expects how many responses contain each text, from "at least" to "at most"; each response contains one of them.
func textsAre(ctx context.Context, table *godog.Table) error {
	rows, err := arguments.Rows(table, "text", "at least", "at most")
	if err != nil {
		return err
	}
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = row["text"]
	}
	counts, err := count(ctx, texts)
	if err != nil {
		return err
	}
	expected, wrong := make([]string, len(rows)), counts[other] > 0
	for i, row := range rows {
		least, errLeast := strconv.Atoi(row["at least"])
		most, errMost := strconv.Atoi(row["at most"])
		if err := errors.Join(errLeast, errMost); err != nil {
			return fmt.Errorf("row %d: at least and at most must be numbers: %w", i+1, err)
		}
		expected[i] = fmt.Sprintf("%d to %d times %q", least, most, texts[i])
		wrong = wrong || counts[texts[i]] < least || counts[texts[i]] > most
	}
	if !wrong {
		return nil
	}
	return world.AnswerFailure(sharesEffect(world.From(ctx).Exchanges, counts[other], effect.AnotherBackend),
		strings.Join(expected, ", ")+", and nothing else", fmt.Sprint(counts), world.Diagnosis)
}
