package inprocess_test

import (
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"testing"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/proxy/mutant"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
)

const (
	// mutantRuns is the environment variable with the number of runs over all mutants; without it there is one over briefMutants.
	mutantRuns = "COMPARE_MUTANT_RUNS"
	// selectedMutants is that with a pattern of their names, such as "access.* ignored".
	selectedMutants = "COMPARE_MUTANTS"
	// briefMutants are about passwords, in all their faults.
	briefMutants = "access.Basic *"
	// mutantBatch is how many mutants are compared at the same time with one reference, to which each request is sent once for all.
	mutantBatch = 40
)

// served returns the table of an estate.
func served(t *testing.T, e *estate.Estate) *route.Table {
	t.Helper()
	var served *route.Table
	session, err := (&inprocess.Target{Change: func(table *route.Table) { served = table }}).Begin(t.Context(), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	return served
}

// mutated is the controller with a wrong table.
func mutated(m mutant.Mutant) *inprocess.Target {
	return &inprocess.Target{Change: func(table *route.Table) { *table = *m.Apply(table) }}
}

// changing are the mutants that change a table, and whose names match a pattern.
func changing(t *testing.T, table *route.Table, pattern string) []mutant.Mutant {
	t.Helper()
	var all []mutant.Mutant
	for _, m := range mutant.All() {
		if matches, err := path.Match(pattern, m.Name()); err != nil {
			t.Fatal(err)
		} else if matches && m.Changes(table) {
			all = append(all, m)
		}
	}
	return all
}

// The expectations are about all mutants that change the company's table, and about no others.
func TestExpectedMutants(t *testing.T) {
	t.Parallel()
	found, unseen := mutantEffects(), unseenMutants()
	missing := maps.Clone(unseen)
	for name := range found {
		if _, twice := unseen[name]; twice {
			t.Errorf("%s is expected to be found, and not to be", name)
		}
		missing[name] = ""
	}
	for _, m := range changing(t, served(t, company(t, oneOfEach)), "*") {
		if _, known := missing[m.Name()]; !known {
			t.Errorf("nothing is expected of %s", m.Name())
		}
		delete(missing, m.Name())
	}
	for name := range missing {
		t.Errorf("%s is expected to change the table, and doesn't, or there is no such mutant", name)
	}
}

// Each mutant of the table of the company's Ingresses is found with its effect, on Ingresses of the hosts that it touches, and nothing
// else is reported.
func TestMutantsAreFound(t *testing.T) {
	if testing.Short() || racedetector.On {
		t.Skip("thousands of requests are compared: make test does it without the race detector")
	}
	t.Parallel()
	runs, pattern := 1, briefMutants
	if text := os.Getenv(mutantRuns); text != "" {
		var err error
		if runs, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", mutantRuns, err)
		}
		pattern = "*"
	}
	if text := os.Getenv(selectedMutants); text != "" {
		pattern = text
	}
	e := company(t, oneOfEach)
	table := served(t, e)
	planted := changing(t, table, pattern)
	for run := range runs {
		found, unjudged := 0, 0
		for batch := range slices.Chunk(planted, mutantBatch) {
			var candidates []compare.Target
			for _, m := range batch {
				candidates = append(candidates, mutated(m))
			}
			report, err := compare.Run(t.Context(), e, &inprocess.Target{}, candidates, compare.Options{Parallel: 16})
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range batch {
				candidate := &report.Candidates[i]
				unjudged += len(candidate.Unjudged)
				if judgedMutant(t, m, candidate, touched(table, m.Apply(table))) {
					found++
				}
			}
		}
		t.Logf("run %d: %d of %d mutants found, %d requests could not be judged", run+1, found, len(planted), unjudged)
	}
}

// judgedMutant compares the findings about a candidate with what is expected of its mutant, and reports whether it is found.
func judgedMutant(t *testing.T, m mutant.Mutant, candidate *comparison.Candidate, touched func(*comparison.Finding) bool) bool {
	t.Helper()
	gravest := effect.None
	for i := range candidate.Findings {
		f := &candidate.Findings[i]
		gravest = max(gravest, f.Effect)
		if !touched(f) {
			t.Errorf("%s: false finding: %s: %s: %s: %+v", m.Name(), f.Effect, f.Ingress, f.Request, f.Differences)
		}
	}
	want, expected := mutantEffects()[m.Name()]
	switch reason, unseen := unseenMutants()[m.Name()]; {
	case unseen && gravest != effect.None:
		t.Errorf("%s has the effect %s, and none is expected: %s", m.Name(), gravest, reason)
	case !unseen && !expected:
		t.Errorf("%s: %s, and nothing is expected yet: add it to mutantEffects or unseenMutants", m.Name(), gravest)
	case !unseen && gravest != want:
		t.Errorf("%s: %s, want %s", m.Name(), gravest, want)
	}
	return gravest != effect.None
}

// touched returns a function that reports whether a finding is about what a changed table treats differently: an Ingress with a changed
// route or upstream, or a host with another choice of routes or settings of its own. Nil stands for what is common to all hosts.
func touched(table, changed *route.Table) func(*comparison.Finding) bool {
	own := *changed
	own.Hosts, own.Upstreams, own.Certificates, own.ClientAuthorities, own.ClientTLS, own.Passthroughs = table.Hosts, table.Upstreams,
		table.Certificates, table.ClientAuthorities, table.ClientTLS, table.Passthroughs
	if !own.Equal(table) {
		return func(*comparison.Finding) bool { return true }
	}
	ingresses, hosts := map[string]bool{}, map[string]bool{}
	addRoutes(table, changed, ingresses, hosts)
	addRoutes(changed, table, ingresses, hosts)
	for i, certificate := range table.Certificates {
		if i >= len(changed.Certificates) || !certificate.Equal(changed.Certificates[i]) {
			add(hosts, certificate.Hosts...)
		}
	}
	for _, other := range [][2]*route.Table{{table, changed}, {changed, table}} {
		for _, one := range other[0].ClientAuthorities {
			if !slices.ContainsFunc(other[1].ClientAuthorities, one.Equal) {
				add(hosts, one.Host)
			}
		}
		for _, one := range other[0].ClientTLS {
			if !slices.ContainsFunc(other[1].ClientTLS, one.Equal) {
				add(hosts, one.Host)
			}
		}
		for _, one := range other[0].Passthroughs {
			if !slices.ContainsFunc(other[1].Passthroughs, one.Equal) {
				add(hosts, one.Host)
			}
		}
	}
	return func(f *comparison.Finding) bool { return ingresses[f.Ingress] || hosts[f.Host] }
}

func add(set map[string]bool, names ...string) {
	for _, name := range names {
		set[name] = true
	}
}

// addRoutes adds the Ingresses of routes that the other table doesn't have, or has with other policies, actions or upstreams, and the
// hosts of those whose matches it doesn't have.
func addRoutes(table, other *route.Table, ingresses, hosts map[string]bool) {
	upstreams := map[string]route.Upstream{}
	for _, u := range other.Upstreams {
		upstreams[u.Name] = u
	}
	changed := map[string]bool{}
	for _, u := range table.Upstreams {
		changed[u.Name] = !u.Equal(upstreams[u.Name])
	}
	for _, host := range table.Hosts {
		var routes []route.Route
		for _, one := range other.Hosts {
			if one.Name == host.Name {
				routes = one.Routes
			}
		}
		for _, r := range host.Routes {
			same := slices.IndexFunc(routes, func(o route.Route) bool { return o.Match.Equal(r.Match) })
			if same < 0 {
				add(hosts, host.Name)
			}
			if same >= 0 && r.Equal(routes[same]) && !slices.ContainsFunc(upstreamsOf(&r), func(name string) bool { return changed[name] }) {
				continue
			}
			add(ingresses, explain.Source(r.Source))
			if forward, ok := r.Action.(route.Forward); ok && forward.Canary != nil {
				add(ingresses, explain.Source(forward.Canary.Source))
			}
		}
	}
}

// upstreamsOf are the names of the upstreams that a route forwards to.
func upstreamsOf(r *route.Route) (names []string) {
	forward, _ := r.Action.(route.Forward)
	for _, backend := range forward.Backends {
		names = append(names, backend.Upstream, backend.Secure)
	}
	if forward.Canary != nil {
		names = append(names, forward.Canary.Backend.Upstream)
	}
	return names
}
