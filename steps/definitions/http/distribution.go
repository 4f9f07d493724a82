package http

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/statistics"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// other labels the responses that contain none of the expected texts.
const other = "(anything else)"

// distribution are the steps about how the last requests were distributed over backends.
type distribution struct{ pods Pods }

func (d distribution) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the responses are spread evenly over the Pods of "([^"]*)"`,
			Example: `the responses are spread evenly over the Pods of "deploy2-guestsrv"`,
			Handler: d.evenly,
		},
		{
			Pattern: `the responses come in round-robin order from the Pods of "([^"]*)"`,
			Example: `the responses come in round-robin order from the Pods of "deploy2-guestsrv"`,
			Handler: d.inTurn,
		},
		{
			Pattern: `the responses are split randomly by the text they contain:`,
			Example: `the responses are split randomly by the text they contain:`,
			Handler: randomSplit,
		},
		{
			Pattern: `the responses contain these texts:`,
			Example: `the responses contain these texts:`,
			Handler: textsAre,
		},
		{
			Pattern: `every response contains the text "(.*)"`,
			Example: `every response contains the text "server_version=nginx: 1.13.0"`,
			Handler: everyHasText,
		},
		{
			Pattern: `all responses come from one Pod of "([^"]*)"`,
			Example: `all responses come from one Pod of "deploy2-guestsrv"`,
			Handler: d.fromOnePod,
		},
	}
}

// count counts the responses by the one text that each contains.
func count(ctx context.Context, texts []string) (statistics.Counts, error) {
	labels, err := labelResponses(ctx, texts)
	if err != nil {
		return nil, err
	}
	counts := statistics.Counts{}
	for _, label := range labels {
		counts[label]++
	}
	return counts, nil
}

// labelResponses returns for each response, in order, the one text that it contains.
func labelResponses(ctx context.Context, texts []string) ([]string, error) {
	scenario := world.From(ctx)
	if _, err := scenario.Last(); err != nil {
		return nil, err
	}
	labels := make([]string, 0, len(scenario.Exchanges))
	for _, exchange := range scenario.Exchanges {
		label := other
		for _, text := range texts {
			if !strings.Contains(exchange.Body, text) {
				continue
			}
			if label != other {
				return nil, fmt.Errorf("a response contains both %q and %q, which therefore don't distinguish responses", label, text)
			}
			label = text
		}
		labels = append(labels, label)
	}
	return labels, nil
}

// podNames returns the names of a Deployment's Pods, which their responses contain.
func podNames(ctx context.Context, pods Pods, owner string) ([]string, error) {
	namespace, name := world.From(ctx).QualifyPods(owner)
	found, err := pods.PodsOf(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, pod := range found {
		names = append(names, pod.Name)
	}
	return names, nil
}

// evenly expects the counts of an exact round robin.
func (d distribution) evenly(ctx context.Context, owner string) error {
	names, err := podNames(ctx, d.pods, owner)
	if err != nil {
		return err
	}
	counts, err := count(ctx, names)
	if err != nil {
		return err
	}
	result := statistics.Even(fmt.Sprintf("%d requests over the Pods of %s, round robin", counts.Total(), owner), counts, names)
	return expectAccepted(ctx, result, sharesEffect(world.From(ctx).Exchanges, counts[other], effect.AnswersDifferently))
}

// inTurn expects that the Pods respond in an order that repeats itself, which even counts alone don't prove.
func (d distribution) inTurn(ctx context.Context, owner string) error {
	names, err := podNames(ctx, d.pods, owner)
	if err != nil {
		return err
	}
	labels, err := labelResponses(ctx, names)
	if err != nil {
		return err
	}
	if len(labels) <= len(names) {
		return fmt.Errorf("%d responses can't prove the order of %d Pods: make more requests", len(labels), len(names))
	}
	latest := map[string]int{} // the number of each Pod's last response, from 1
	for number, name := range labels {
		expected := number - len(names) + 1
		if name == other || latest[name] != max(expected, 0) {
			return world.AnswerFailure(sharesEffect(world.From(ctx).Exchanges, strings.Count(name, other), effect.AnswersDifferently), fmt.Sprintf("the %d Pods of %s respond in turn", len(names), owner),
				fmt.Sprintf("response %d came from %s, after %s", number+1, name, strings.Join(labels[max(expected-1, 0):number], ", ")),
				world.Diagnosis)
		}
		latest[name] = number + 1
	}
	return nil
}

// randomSplit expects shares in percent. The columns are text and share.
func randomSplit(ctx context.Context, table *godog.Table) error {
	lines, err := arguments.Rows(table, "text", "share")
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
		if _, duplicate := probabilities[line["text"]]; duplicate {
			return fmt.Errorf("the text %q is in the table twice", line["text"])
		}
		probabilities[line["text"]] = percent / 100
		texts = append(texts, line["text"])
	}
	counts, err := count(ctx, texts)
	if err != nil {
		return err
	}
	result, err := statistics.Split(fmt.Sprintf("%d requests", counts.Total()), counts, probabilities)
	if err != nil {
		return err
	}
	return expectAccepted(ctx, result, sharesEffect(world.From(ctx).Exchanges, counts[other], effect.AnotherBackend))
}

// expectAccepted attaches the result of a test, and fails with the effect if it is not accepted.
func expectAccepted(ctx context.Context, result evidence.Distribution, meaning effect.Effect) error {
	world.From(ctx).Attach(result)
	if statistics.Accepted(result) {
		return nil
	}
	var expected, seen []string
	for _, share := range result.Shares {
		span := strconv.Itoa(share.Low)
		if share.High != share.Low {
			span = fmt.Sprintf("%d to %d", share.Low, share.High)
		}
		expected = append(expected, fmt.Sprintf("%s: %s", share.Label, span))
		seen = append(seen, fmt.Sprintf("%s: %d", share.Label, share.Observed))
	}
	return world.AnswerFailure(meaning, fmt.Sprintf("of %d responses, %s", result.Total, strings.Join(expected, "; ")), strings.Join(seen, "; "), world.Diagnosis)
}

func everyHasText(ctx context.Context, text string) error {
	counts, err := count(ctx, []string{text})
	if err != nil {
		return err
	}
	if counts[other] > 0 {
		gravest := effect.None
		for _, exchange := range world.From(ctx).Exchanges {
			if !strings.Contains(exchange.Body, text) {
				gravest = max(gravest, textEffect(exchange, text))
			}
		}
		return world.AnswerFailure(gravest, fmt.Sprintf("each of %d responses contains the text %q", counts.Total(), text),
			fmt.Sprintf("%d don't contain it", counts[other]), world.Diagnosis)
	}
	return nil
}

func (d distribution) fromOnePod(ctx context.Context, owner string) error {
	names, err := podNames(ctx, d.pods, owner)
	if err != nil {
		return err
	}
	if len(names) < 2 {
		return errors.New("there is only one Pod, which can't prove that requests stay with one of several")
	}
	counts, err := count(ctx, names)
	if err != nil {
		return err
	}
	if len(counts) != 1 || counts[other] > 0 {
		return world.AnswerFailure(sharesEffect(world.From(ctx).Exchanges, counts[other], effect.AnotherBackend), "all responses from one Pod of "+owner, fmt.Sprint(counts), world.Diagnosis)
	}
	return nil
}
