package inprocess_test

import (
	"context"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/features"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps/inprocess"
)

// The conformance scenarios pass, but for those of the files that need a cluster, or a part of it.
func TestConformance(t *testing.T) {
	t.Parallel()
	needCluster := []string{"externalname.feature", "loadbalancer.feature", "streams.feature"}
	scenarios, err := inprocess.Scenarios(features.Files(), "", "conformance")
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]inprocess.Result, len(scenarios))
	certificate := sync.OnceValues(inprocess.NewCertificate)
	var group errgroup.Group
	group.SetLimit(4 * runtime.NumCPU())
	for i, scenario := range scenarios {
		group.Go(func() error {
			// A few measure time, which a busy machine lengthens.
			for range 3 {
				if outcomes[i] = scenario.Run(t.Context(), features.Files(), inprocess.Options{Certificate: certificate}); outcomes[i].Status != results.Failed {
					break
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	passed := 0
	for i, scenario := range scenarios {
		mayBeSkipped := slices.Contains(needCluster, path.Base(scenario.URI)) || strings.HasPrefix(scenario.Name, "service-upstream leaves")
		switch outcome := outcomes[i]; {
		case outcome.Status == results.Passed:
			passed++
		case outcome.Status != results.Skipped || !mayBeSkipped:
			t.Errorf("%s %s: %s: %s", scenario.Place(), scenario.Name, outcome.Status, outcome.Reason)
		}
	}
	t.Logf("%d of %d scenarios passed", passed, len(scenarios))
}

const shop = `Feature: A shop
  Background:
    Given an ingress controller
    And a Service "shop" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: shop}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
      """

  Scenario: It is found
    When the client requests "http://shop.${domain}/" 10 times
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "shop"

  Scenario: It is not found
    When the client requests "http://shop.${domain}/"
    Then the response status is 404

  Scenario: It has a load balancer
    Then the Service "shop" has a load balancer

  Scenario Outline: Statuses
    When the client requests "http://<host>.${domain}/"
    Then the response status is 200

    Examples:
      | host  |
      | shop  |
      | other |

  Scenario: An unknown step
    Then the moon is full
`

// What a scenario asserts decides, and what needs a cluster is skipped.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"shop.feature": {Data: []byte(shop)}}
	scenarios, err := inprocess.Scenarios(files, "", "shop.feature")
	if err != nil || len(scenarios) != 5 {
		t.Fatalf("got the scenarios %v, %v", scenarios, err)
	}
	for i, want := range []struct {
		status results.Status
		reason string
	}{
		{results.Passed, ""}, {results.Failed, "404"}, {results.Skipped, "not supported by this cluster"}, {results.Failed, "the response status is 200"},
		{results.Failed, "the moon is full"},
	} {
		got := scenarios[i].Run(t.Context(), files, inprocess.Options{})
		if got.Status != want.status || !strings.Contains(got.Reason, want.reason) {
			t.Errorf("%s: got %s: %s; want %s with %q", scenarios[i].Name, got.Status, got.Reason, want.status, want.reason)
		}
	}
}

// A change of the table is what clients see.
func TestChange(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"shop.feature": {Data: []byte(shop)}}
	scenarios, err := inprocess.Scenarios(files, "", "shop.feature")
	if err != nil {
		t.Fatal(err)
	}
	empty := func(*route.Table) *route.Table { return &route.Table{} }
	for i, want := range []results.Status{results.Failed, results.Passed} {
		if got := scenarios[i].Run(context.Background(), files, inprocess.Options{Change: empty}); got.Status != want {
			t.Errorf("%s: got %s: %s; want %s", scenarios[i].Name, got.Status, got.Reason, want)
		}
	}
}
