package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/statistics"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

// other labels the responses that fit none of the outcomes.
const other = "(anything else)"

// distribution are the steps about how the last requests were shared out.
type distribution struct{ *scenario }

func (d *distribution) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the responses come evenly from the Pods of "([^"]*)"`,
			Example: `the responses come evenly from the Pods of "deploy2-guestsrv"`,
			Handler: d.evenly,
		},
		{
			Pattern: `the responses come in turn from the Pods of "([^"]*)"`,
			Example: `the responses come in turn from the Pods of "deploy2-guestsrv"`,
			Handler: d.inTurn,
		},
		{
			Pattern: `the responses are split at random by the text they have:`,
			Example: `the responses are split at random by the text they have:`,
			Handler: d.split,
		},
		{
			Pattern: `every response has the text "(.*)"`,
			Example: `every response has the text "server_version=nginx: 1.13.0"`,
			Handler: d.every,
		},
		{
			Pattern: `all responses come from one Pod of "([^"]*)"`,
			Example: `all responses come from one Pod of "deploy2-guestsrv"`,
			Handler: d.fromOnePod,
		},
	}
}

// count counts the responses by the one outcome whose text each has.
func (s *scenario) count(outcomes []string) (statistics.Counts, error) {
	labels, err := s.label(outcomes)
	if err != nil {
		return nil, err
	}
	counts := statistics.Counts{}
	for _, label := range labels {
		counts[label]++
	}
	return counts, nil
}

// label finds for each response, in their order, the one outcome whose text it has.
func (s *scenario) label(outcomes []string) ([]string, error) {
	if _, err := s.last(); err != nil {
		return nil, err
	}
	labels := make([]string, 0, len(s.exchanges))
	for _, exchange := range s.exchanges {
		label := other
		for _, outcome := range outcomes {
			if !strings.Contains(exchange.Body, outcome) {
				continue
			}
			if label != other {
				return nil, fmt.Errorf("a response has both texts %q and %q; they don't tell responses apart", label, outcome)
			}
			label = outcome
		}
		labels = append(labels, label)
	}
	return labels, nil
}

func (d *distribution) podNames(ctx context.Context, owner string) ([]string, error) {
	pods, err := d.podsOf(ctx, owner)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	return names, nil
}

// evenly expects exact round robin. A Pod is known by its name in the response.
func (d *distribution) evenly(ctx context.Context, owner string) error {
	names, err := d.podNames(ctx, owner)
	if err != nil {
		return err
	}
	counts, err := d.count(names)
	if err != nil {
		return err
	}
	result := statistics.Even(fmt.Sprintf("%d requests over the Pods of %s, round robin", counts.Total(), owner), counts, names)
	return d.judge(result)
}

// inTurn expects that the Pods answer in an order which repeats itself. Even counts alone don't say so.
func (d *distribution) inTurn(ctx context.Context, owner string) error {
	names, err := d.podNames(ctx, owner)
	if err != nil {
		return err
	}
	labels, err := d.label(names)
	if err != nil {
		return err
	}
	if len(labels) <= len(names) {
		return fmt.Errorf("%d responses can't show the turns of %d Pods: ask more often", len(labels), len(names))
	}
	latest := map[string]int{} // when each Pod answered last, from 1
	for number, name := range labels {
		expected := number - len(names) + 1
		if name == other || latest[name] != max(expected, 0) {
			return failure(fmt.Sprintf("the %d Pods of %s answer in turn", len(names), owner),
				fmt.Sprintf("response %d came from %s, after %s", number+1, name, strings.Join(labels[max(expected-1, 0):number], ", ")),
				whereToLook)
		}
		latest[name] = number + 1
	}
	return nil
}

// split expects shares in percent. The columns are text and share.
func (d *distribution) split(_ context.Context, table *godog.Table) error {
	lines, err := rows(table, "text", "share")
	if err != nil {
		return err
	}
	probabilities := map[string]float64{}
	var texts []string
	for _, line := range lines {
		percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(line["share"], "%")), 64)
		if err != nil {
			return fmt.Errorf("the share %q is not a percentage", line["share"])
		}
		if _, twice := probabilities[line["text"]]; twice {
			return fmt.Errorf("the text %q is in the table twice", line["text"])
		}
		probabilities[line["text"]] = percent / 100
		texts = append(texts, line["text"])
	}
	counts, err := d.count(texts)
	if err != nil {
		return err
	}
	result, err := statistics.Split(fmt.Sprintf("%d requests", counts.Total()), counts, probabilities)
	if err != nil {
		return err
	}
	return d.judge(result)
}

func (d *distribution) judge(result evidence.Distribution) error {
	d.show(result)
	if statistics.Accepted(result) {
		return nil
	}
	var wanted, seen []string
	for _, share := range result.Shares {
		span := strconv.Itoa(share.Low)
		if share.High != share.Low {
			span = fmt.Sprintf("%d to %d", share.Low, share.High)
		}
		wanted = append(wanted, fmt.Sprintf("%s: %s", share.Label, span))
		seen = append(seen, fmt.Sprintf("%s: %d", share.Label, share.Observed))
	}
	return failure(fmt.Sprintf("of %d responses, %s", result.Total, strings.Join(wanted, "; ")), strings.Join(seen, "; "), whereToLook)
}

func (d *distribution) every(_ context.Context, text string) error {
	counts, err := d.count([]string{text})
	if err != nil {
		return err
	}
	if counts[other] > 0 {
		return failure(fmt.Sprintf("each of %d responses has the text %q", counts.Total(), text),
			fmt.Sprintf("%d don't have it", counts[other]), whereToLook)
	}
	return nil
}

func (d *distribution) fromOnePod(ctx context.Context, owner string) error {
	names, err := d.podNames(ctx, owner)
	if err != nil {
		return err
	}
	if len(names) < 2 {
		return errors.New("there is just one Pod, which can't show that others are left out")
	}
	counts, err := d.count(names)
	if err != nil {
		return err
	}
	if len(counts) != 1 || counts[other] > 0 {
		return failure("all responses from one Pod of "+owner, fmt.Sprint(counts), whereToLook)
	}
	return nil
}
