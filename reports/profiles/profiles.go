// Package profiles scores a run by the specification that each scenario tests, according to its tags:
//
//	@ingress-v1       the specification of Ingress v1: what every controller must do
//	@ingress-nginx    what ingress-nginx does by default
//	@annotation:NAME  what an annotation of ingress-nginx does; a feature of that profile
//	@kubernetes       Services, load balancers and DNS: the cluster rather than the controller
//	@own              what the test-bed's own controller does in another way
//
// A scenario with several tags counts for the last profile of this list that one of them names.
package profiles

import (
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/reports/results"
)

// Name of a profile.
type Name string

// The profiles.
const (
	IngressV1    Name = "ingress-v1"
	IngressNginx Name = "ingress-nginx"
	Kubernetes   Name = "kubernetes"
	Own          Name = "own"
)

// Title describes the profile's specification in a phrase.
func (n Name) Title() string {
	return map[Name]string{
		IngressV1:    "the specification of Ingress v1",
		IngressNginx: "what ingress-nginx does, by default and by annotation",
		Kubernetes:   "Services, load balancers and DNS",
		Own:          "what the test-bed's own controller does in another way",
	}[n]
}

// annotation begins the tag of a feature of IngressNginx.
const annotation = "@annotation:"

// Profile is the score of a run for one specification.
type Profile struct {
	Name Name
	// Core counts the scenarios that check no annotation.
	Core Group
	// Features are the annotations that scenarios check, by name.
	Features []Group
}

// Group is a number of scenarios that count together.
type Group struct {
	// Name of the annotation, without its prefix; "" for Core.
	Name   string
	Counts results.Counts
	// Failed, Skipped and Unsteady name the scenarios: "conformance/paths.feature:10 Path types". Those that are unsteady have
	// failed, too, in one of the rounds of a repeated run.
	Failed, Skipped, Unsteady []string
}

// Outcome of the group: failed if one scenario failed, not run or skipped if none says anything, and passed otherwise.
func (g *Group) Outcome() results.Status {
	switch {
	case g.Counts.Failed > 0:
		return results.Failed
	case g.Counts.NotRun > 0:
		return results.NotRun
	case g.Counts.Passed > 0:
		return results.Passed
	}
	return results.Skipped
}

// Of returns the profiles of a run that have scenarios, in the order of the package documentation. A scenario that was
// repeated counts once: as failed if it has failed in one of the rounds.
func Of(run *results.Run) []Profile {
	found := map[Name]*Profile{}
	for _, scenario := range run.Repeated() {
		tags := slices.Concat(scenario.Feature.Tags, scenario.Scenario.Tags)
		name, tagged := profileOf(tags)
		if !tagged {
			continue
		}
		if found[name] == nil {
			found[name] = &Profile{Name: name}
		}
		for _, group := range found[name].groups(tags) {
			group.add(scenario)
		}
	}
	var profiles []Profile
	for _, name := range []Name{IngressV1, IngressNginx, Kubernetes, Own} {
		if profile := found[name]; profile != nil {
			slices.SortFunc(profile.Features, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
			profiles = append(profiles, *profile)
		}
	}
	return profiles
}

// Tagged reports whether tags name a profile.
func Tagged(tags []string) bool {
	_, tagged := profileOf(tags)
	return tagged
}

func profileOf(tags []string) (Name, bool) {
	for _, name := range []Name{Own, Kubernetes} {
		if slices.Contains(tags, "@"+string(name)) {
			return name, true
		}
	}
	annotated := slices.ContainsFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, annotation) })
	switch {
	case annotated, slices.Contains(tags, "@"+string(IngressNginx)):
		return IngressNginx, true
	case slices.Contains(tags, "@"+string(IngressV1)):
		return IngressV1, true
	}
	return "", false
}

// groups are the groups that a scenario with these tags counts for, each once.
func (p *Profile) groups(tags []string) []*Group {
	var names []string
	for _, tag := range tags {
		if name, found := strings.CutPrefix(tag, annotation); found && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 || p.Name != IngressNginx {
		return []*Group{&p.Core}
	}
	var groups []*Group
	for _, name := range names {
		if !slices.ContainsFunc(p.Features, func(g Group) bool { return g.Name == name }) {
			p.Features = append(p.Features, Group{Name: name})
		}
	}
	for i := range p.Features {
		if slices.Contains(names, p.Features[i].Name) {
			groups = append(groups, &p.Features[i])
		}
	}
	return groups
}

func (g *Group) add(scenario *results.Repeated) {
	g.Counts.Total++
	title := scenario.Title()
	if scenario.Unsteady() {
		g.Unsteady = append(g.Unsteady, title)
	}
	switch status := scenario.Status(); {
	case status == results.Passed:
		g.Counts.Passed++
	case status == results.Skipped:
		g.Counts.Skipped++
		g.Skipped = append(g.Skipped, title)
	case status == results.NotRun:
		g.Counts.NotRun++
	default:
		g.Counts.Failed++
		g.Failed = append(g.Failed, title)
	}
}
