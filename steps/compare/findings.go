package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/judge"
	compared "github.com/ingress-testbed/testbed/steps/replay/compare"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

func newReport(e *estate.Estate, plan *derive.Plan, reference Target) *comparison.Report {
	report := &comparison.Report{
		Title: "Comparison", Reference: reference.Description(), Started: time.Now(), Requests: len(plan.Probes),
	}
	for _, ingress := range e.Ingresses {
		report.Ingresses = append(report.Ingresses, estate.Key(ingress).String())
	}
	rules := map[string]derive.Rule{}
	for _, rule := range derive.Rules() {
		rules[estate.Prefix+rule.Annotation] = rule
	}
	for _, use := range e.Inventory() {
		rule, known := rules[use.Annotation]
		requests := rule.Requests
		if !known {
			requests = "nothing: ingress-nginx has no such annotation"
		}
		report.Inventory = append(report.Inventory, comparison.Annotation{
			Name: use.Annotation, Ingresses: use.Ingresses, Values: use.Values, Requests: requests, Unknown: !known,
		})
	}
	omitted := 0
	for _, count := range plan.Omitted {
		omitted += count
	}
	if omitted > 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("%d requests for %d Ingresses with many paths are left out", omitted, len(plan.Omitted)))
	}
	return report
}

// finding describes a confirmed difference.
func (f *confirmer) finding(probe *derive.Probe, c confirmed) comparison.Finding {
	reason := f.plan.Owner(probe)
	finding := comparison.Finding{
		ID: probe.ID, Ingress: reason.Ingress, Host: reason.Host, Path: reason.Path,
		Request: summary(&c.probe), Curl: Curl(&c.probe), Want: answersText(c.want), Got: answersText(c.got),
	}
	for _, reason := range probe.Reasons {
		if text := reason.String(); !slices.Contains(finding.Rules, text) {
			finding.Rules = append(finding.Rules, text)
		}
	}
	for _, d := range c.differences {
		finding.Effect = max(finding.Effect, effectOf(d.Gravity))
		finding.Differences = append(finding.Differences, comparison.Difference{What: d.What, Want: d.Want, Got: d.Got})
	}
	return finding
}

func effectOf(gravity compared.Gravity) effect.Effect {
	switch gravity {
	case compared.Cosmetic:
		return effect.Cosmetic
	case compared.Headers:
		return effect.Headers
	case compared.RedirectedDifferently:
		return effect.RedirectedDifferently
	case compared.AnotherBackend:
		return effect.AnotherBackend
	case compared.RouteLost:
		return effect.Lost
	case compared.ProtectionLost:
		return effect.ProtectionLost
	}
	return effect.None
}

// summary is a probe in one line.
func summary(probe *derive.Probe) string {
	text := shortened(probe.Request.Summary())
	switch probe.From {
	case derive.Allowed:
		text += ", from an address that is let in"
	case derive.Denied:
		text += ", from an address that is kept out"
	case derive.Anywhere:
	}
	return text
}

// maxAnswerText bounds the text of the answers to a request, in bytes, and maxAnswers their number.
const (
	maxAnswerText = 8 << 10
	maxAnswers    = 4
)

// answersText has the different answers of an observation, with how often they came.
func answersText(o judge.Observation) string {
	var all []record.Answer
	for _, answer := range o.Answers {
		at := slices.IndexFunc(all, func(known record.Answer) bool {
			return compared.Outcome(known) == compared.Outcome(answer.Answer) && known.Backend == answer.Backend
		})
		if at < 0 {
			at = len(all)
			all = append(all, answer.Answer)
		}
		all[at].Count++
	}
	if len(all) == 1 && all[0].Count == 1 {
		all[0].Count = 0
	}
	content, err := record.Encode(all[:min(len(all), maxAnswers)])
	if err != nil {
		return err.Error()
	}
	if len(content) > maxAnswerText {
		return strings.ToValidUTF8(string(content[:maxAnswerText]), "") + "\n…"
	}
	return string(content)
}

// maxOthers bounds the other requests that a finding lists.
const maxOthers = 8

// collect puts the results into the report. Requests that show the same for an Ingress are one finding.
func (r *runner) collect(results []Result) {
	for c := range r.report.Candidates {
		candidate := &r.report.Candidates[c]
		groups := map[string]int{}
		for i, result := range results {
			if result == nil {
				continue
			}
			outcome := result[c]
			switch {
			case outcome.Skipped != "":
				candidate.Skipped[outcome.Skipped]++
			case outcome.Unjudged != "":
				candidate.Unjudged = append(candidate.Unjudged, comparison.Unjudged{
					Ingress: r.plan.Owner(&r.plan.Probes[i]).Ingress, Request: summary(&r.plan.Probes[i]), Reason: outcome.Unjudged,
				})
			case outcome.ByChance:
				candidate.ByChance++
			case outcome.Finding == nil:
				candidate.Same++
			default:
				candidate.Findings = merge(candidate.Findings, groups, *outcome.Finding, r.plan.Probes[i].Topic())
			}
		}
		candidate.Sort()
	}
}

// merge adds a finding, or counts it with one on the same topic that shows the same.
func merge(all []comparison.Finding, groups map[string]int, finding comparison.Finding, topic string) []comparison.Finding {
	key := finding.Ingress + "\x00" + finding.Host + "\x00" + finding.Effect.String() + "\x00" + topic
	for _, d := range finding.Differences {
		key += "\x00" + d.What
		if d.What == "status" || d.What == "backend" {
			key += "\x00" + d.Want + "\x00" + d.Got
		}
	}
	at, known := groups[key]
	if !known {
		groups[key] = len(all)
		return append(all, finding)
	}
	group := &all[at]
	group.More++
	if len(group.Others) < maxOthers {
		group.Others = append(group.Others, finding.Request)
	}
	for _, rule := range finding.Rules {
		if !slices.Contains(group.Rules, rule) {
			group.Rules = append(group.Rules, rule)
		}
	}
	return all
}
