package inprocess_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/internal/racedetector"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
)

// planted is a broken policy: the routes of an Ingress lack those of a type.
type planted struct{ ingress, policy string }

// kind is the type of a policy, such as access.Basic.
func kind(p route.Policy) string { return fmt.Sprintf("%T", p) }

// routesOf calls a function for each route of a table.
func routesOf(table *route.Table, do func(r *route.Route)) {
	for i := range table.Hosts {
		for k := range table.Hosts[i].Routes {
			do(&table.Hosts[i].Routes[k])
		}
	}
}

// rounds divides the policies of an estate's table into rounds: in each, the routes of an Ingress lose those of one type at most, and
// half of the Ingresses lose none.
func rounds(t *testing.T, e *estate.Estate) [][]planted {
	t.Helper()
	policies := map[string]map[string]bool{}
	begun, err := (&inprocess.Target{Change: func(table *route.Table) {
		routesOf(table, func(r *route.Route) {
			ingress := explain.Source(r.Source)
			if policies[ingress] == nil {
				policies[ingress] = map[string]bool{}
			}
			for _, p := range r.Policies {
				policies[ingress][kind(p)] = true
			}
		})
	}}).Begin(t.Context(), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := begun.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all [][]planted
	for i, ingress := range e.Ingresses {
		name := estate.Key(ingress).String()
		for k, policy := range slices.Sorted(maps.Keys(policies[name])) {
			round := 2*k + i%2
			for len(all) <= round {
				all = append(all, nil)
			}
			all[round] = append(all[round], planted{name, policy})
		}
	}
	return slices.DeleteFunc(all, func(r []planted) bool { return len(r) == 0 })
}

// ignoring is the controller with the broken policies.
func ignoring(broken []planted) *inprocess.Target {
	lost := map[string]string{}
	for _, one := range broken {
		lost[one.ingress] = one.policy
	}
	return &inprocess.Target{Change: func(table *route.Table) {
		routesOf(table, func(r *route.Route) {
			policy := lost[explain.Source(r.Source)]
			r.Policies = slices.DeleteFunc(slices.Clone(r.Policies), func(p route.Policy) bool { return kind(p) == policy })
		})
	}}
}

// effects are what it means that a policy is ignored. Policies that aren't here have no effect that requests can show: time-outs above
// three seconds, and limits of connections that are used at the same time.
func effects() map[string][]effect.Effect {
	protection, another := []effect.Effect{effect.ProtectionLost}, []effect.Effect{effect.AnotherBackend}
	redirect, headers := []effect.Effect{effect.RedirectedDifferently}, []effect.Effect{effect.Headers}
	return map[string][]effect.Effect{
		"access.Addresses": protection, "access.Any": protection, "access.Basic": protection, "access.ClientCertificate": protection,
		"access.External": protection, "limits.Rate": protection, "policy.BodySize": protection,
		"policy.Affinity": another, "policy.ErrorPages": another, "rewriting.Path": another, "selecting.HashBy": another,
		// A preflight request is forwarded in place of answered.
		"replying.CORS": another,
		// A large body, which was redirected, is refused.
		"redirecting.All": append(redirect, effect.Lost), "redirecting.Root": append(redirect, effect.Lost), "replying.Location": redirect,
		// Without a redirect, a request in plain text may be refused for want of a client certificate.
		"policy.RedirectToHTTPS": append(redirect, effect.Lost),
		"policy.HSTS":            headers, "policy.UpstreamHost": headers, "replying.Cookies": headers,
		"replying.Hide": {effect.Cosmetic}, // of Server
	}
}

// unreached are Ingresses whose requests reach no backend, so that what is about bodies and backends' answers can't be seen: the first
// ones redirect, and the Service of the last one is missing.
func unreached() []string {
	return []string{"logistics/landing", "logistics/old-shop", "payments/intranet", "accounts/archive"}
}

// hosts are those of an Ingress.
func hosts(e *estate.Estate, name string) []string {
	var all []string
	for _, ingress := range e.Ingresses {
		if estate.Key(ingress).String() == name {
			for _, rule := range ingress.Spec.Rules {
				all = append(all, rule.Host)
			}
		}
	}
	return all
}

// shares reports whether an Ingress has a host of one with a broken policy: canaries, and Ingresses whose paths an older one has, are
// served by its routes.
func shares(e *estate.Estate, name string, round []planted) bool {
	own := hosts(e, name)
	return slices.ContainsFunc(round, func(p planted) bool {
		return slices.ContainsFunc(hosts(e, p.ingress), func(host string) bool { return slices.Contains(own, host) })
	})
}

const (
	// plantedRuns is the environment variable with the number of runs over all policies; without it there is one over a few.
	plantedRuns = "COMPARE_PLANTED_RUNS"
	// briefRounds have the policies that keep clients out.
	briefRounds = 2
)

// Each policy of each Ingress that a controller ignores is found, with its effect and its Ingress, and nothing else is reported.
func TestIgnoredPoliciesAreFound(t *testing.T) {
	if testing.Short() || racedetector.On {
		t.Skip("thousands of requests are compared: make test does it without the race detector")
	}
	t.Parallel()
	e := company(t, oneOfEach)
	all, runs := rounds(t, e), 1
	if text := os.Getenv(plantedRuns); text == "" {
		all = all[:briefRounds]
	} else {
		var err error
		if runs, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", plantedRuns, err)
		}
	}
	found, unjudged := 0, 0
	for run := range runs {
		for _, round := range all {
			report, err := compare.Run(t.Context(), e, &inprocess.Target{}, []compare.Target{ignoring(round)}, compare.Options{Parallel: 16})
			if err != nil {
				t.Fatal(err)
			}
			found += judged(t, e, &report.Candidates[0], round)
			unjudged += len(report.Candidates[0].Unjudged)
		}
		t.Logf("run %d: %d ignored policies found, %d requests could not be judged", run+1, found, unjudged)
	}
}

// judged compares the findings about a candidate with the policies that it ignores, and returns how many it has found.
func judged(t *testing.T, e *estate.Estate, candidate *comparison.Candidate, round []planted) (found int) {
	t.Helper()
	gravest := map[string]effect.Effect{}
	for _, f := range candidate.Findings {
		gravest[f.Ingress] = max(gravest[f.Ingress], f.Effect)
		if !shares(e, f.Ingress, round) {
			t.Errorf("false finding: %s: %s: %s: %+v", f.Effect, f.Ingress, f.Request, f.Differences)
		}
	}
	for _, one := range round {
		want := effects()[one.policy]
		if slices.Contains(unreached(), one.ingress) && slices.Contains([]string{"policy.BodySize", "replying.Hide"}, one.policy) {
			want = nil
		}
		switch {
		case want == nil && gravest[one.ingress] != effect.None:
			t.Errorf("%s of %s has the effect %s, and none is expected", one.policy, one.ingress, gravest[one.ingress])
		case want != nil && !slices.Contains(want, gravest[one.ingress]):
			t.Errorf("%s of %s: %s, want %v", one.policy, one.ingress, gravest[one.ingress], want)
		case want != nil:
			found++
		}
	}
	return found
}
