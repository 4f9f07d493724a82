package definitions_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/fixtures/charts/release"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
)

// memoryReleases are releases in memory. Their only object is the controller of loopbackSource.
type memoryReleases struct {
	loopback *loopback
	revision int
	calls    []string
}

func (m *memoryReleases) configMaps() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
}

func (m *memoryReleases) Upgrade(_ context.Context, request release.Request) (release.Info, error) {
	m.calls = append(m.calls, fmt.Sprintf("upgrade %s/%s create=%t %v", request.Namespace, request.Name, request.Create, request.Values))
	if m.revision == 0 && !request.Create {
		return release.Info{}, release.ErrNotFound
	}
	installation, err := loopbackSource{}.Render(nil)
	if err != nil {
		return release.Info{}, err
	}
	if m.revision == 0 {
		object := installation.Objects[0].DeepCopy()
		if err := m.loopback.dynamic.Tracker().Create(m.configMaps(), object, object.GetNamespace()); err != nil {
			return release.Info{}, err
		}
	}
	m.revision++
	return m.info(request.Release, installation.Objects), nil
}

func (m *memoryReleases) info(name charts.Release, list []*unstructured.Unstructured) release.Info {
	return release.Info{
		Release: name, Revision: m.revision, Status: "deployed", Updated: time.Unix(0, 0), Chart: "chart-1", AppVersion: "dev", Objects: list,
	}
}

func (m *memoryReleases) Uninstall(_ context.Context, name charts.Release) error {
	m.calls = append(m.calls, "uninstall "+name.Namespace+"/"+name.Name)
	if m.revision == 0 {
		return release.ErrNotFound
	}
	m.revision = 0
	return m.loopback.dynamic.Tracker().Delete(m.configMaps(), "ingress", "controller")
}

func (m *memoryReleases) List(context.Context, string) ([]release.Info, error) {
	return []release.Info{m.info(charts.DefaultRelease(), nil)}, nil
}

// helmFeature runs scenarios on a loopback cluster with releases in memory.
func helmFeature(t *testing.T, scenarios string) (*memoryReleases, []results.Scenario) {
	t.Helper()
	l := newLoopback(t, proxytest.Mutation{})
	releases := &memoryReleases{loopback: l}
	l.releases = releases
	environment := l.environment(t)
	environment.Features = fstest.MapFS{}
	return releases, runFeature(t, environment, "@walkthrough @article\nFeature: Helm\n"+scenarios).Features[0].Scenarios
}

func TestHelmCommands(t *testing.T) {
	releases, scenarios := helmFeature(t, `
  Scenario: install
    Given the file "values.yaml" has:
      """
      controller: {extraArgs: {v: "3"}}
      """
    When I run "helm upgrade --install ingress-nginx any/chart -f values.yaml -n ingress --version 4.11.2"
    Then it prints:
      """
      Release "ingress-nginx" does not exist. Installing it now.
      NAME: ingress-nginx
      ...
      STATUS: deployed
      REVISION: 1
      """
    When the client requests "http://`+nodeAddress+`:30080/"
    Then the response status is 404
  Scenario: upgrade
    When I run "helm upgrade ingress-nginx any/chart --set a=b -n ingress"
    Then it prints "Release "ingress-nginx" has been upgraded. Happy Helming!"
    When I run "helm list -n ingress"
    Then it prints a table with exactly these rows:
      | NAME          | NAMESPACE | REVISION | STATUS   | CHART   | APP VERSION |
      | ingress-nginx | ingress   | 2        | deployed | chart-1 | dev         |
  Scenario: settings replace the release
    Given an ingress controller
  Scenario: a release replaces what settings deployed
    When I run "helm install ingress-nginx any/chart -n ingress"
    When I run "helm uninstall ingress-nginx -n ingress"
    Then it prints "release "ingress-nginx" uninstalled"
`)
	for _, scenario := range scenarios {
		if scenario.Status() != results.Passed {
			t.Errorf("%s: %s: %s", scenario.Name, scenario.Status(), messageOf(scenario.FailedStep()))
		}
	}
	want := []string{
		"upgrade ingress/ingress-nginx create=true map[controller:map[extraArgs:map[v:3]]]",
		"upgrade ingress/ingress-nginx create=false map[a:b]",
		"uninstall ingress/ingress-nginx",
		"upgrade ingress/ingress-nginx create=true map[]",
		"uninstall ingress/ingress-nginx",
	}
	if diff := cmp.Diff(want, releases.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestHelmCommandsThatFail(t *testing.T) {
	releases, scenarios := helmFeature(t, `
  Scenario: of somebody else
    When I run "helm uninstall other -n ingress"
  Scenario: no such file
    When I run "helm upgrade -i ingress-nginx any/chart -f missing.yaml"
  Scenario: not there
    When I run "helm upgrade ingress-nginx any/chart -n ingress"
`)
	for i, part := range []string{"was not installed by a step of this run", "missing.yaml", release.ErrNotFound.Error()} {
		if message := messageOf(scenarios[i].FailedStep()); !strings.Contains(message, part) {
			t.Errorf("%s: %q, want %q", scenarios[i].Name, message, part)
		}
	}
	if slices.ContainsFunc(releases.calls, func(call string) bool { return strings.Contains(call, "other") }) {
		t.Errorf("a release that is not the run's was changed: %q", releases.calls)
	}
}

// Remove uninstalls a release that a step has installed.
func TestRemoveUninstalls(t *testing.T) {
	l := newLoopback(t, proxytest.Mutation{})
	releases := &memoryReleases{loopback: l}
	l.releases = releases
	environment := l.environment(t)
	runFeature(t, environment, "@walkthrough @article\nFeature: Helm\n  Scenario: install\n    When I run \"helm install ingress-nginx any/chart -n ingress\"\n")
	if err := environment.Controller.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := environment.Controller.Installation(); err == nil || releases.revision != 0 {
		t.Errorf("revision %d remains; calls %q", releases.revision, releases.calls)
	}
	if err := releases.Uninstall(t.Context(), charts.DefaultRelease()); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}
