package suite_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/schedule"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/subject/testbed"
	"github.com/ingress-testbed/testbed/steps/suite"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

const good = `@shop
Feature: shop
  Background:
    Given an ingress controller

  Scenario: one
    When the client requests "http://a.test/"

  @slow
  Scenario Outline: two
    Then the response status is <status>

    Examples:
      | status |
      | 200    |
      | 404    |
`

func files() fstest.MapFS {
	return fstest.MapFS{
		"conformance/shop.feature":       {Data: []byte(good)},
		"conformance/manifests/a.yaml":   {Data: []byte("a: b")},
		"walkthroughs/1-article.feature": {Data: []byte("@walkthrough\nFeature: article\n  Scenario: s\n    Given an ingress controller\n")},
	}
}

func known(t *testing.T) *vocabulary.Vocabulary {
	t.Helper()
	compiled, err := definitions.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestSelection(t *testing.T) {
	for _, test := range []struct {
		paths []string
		tags  string
		want  int
	}{
		{nil, "", 4},
		{[]string{"conformance"}, "", 3},
		{[]string{"conformance/", "walkthroughs/1-article.feature"}, "", 4},
		{[]string{"conformance/shop.feature:6"}, "", 1},
		{nil, "@shop", 3},
		{nil, "~@slow", 2},
		{nil, "@shop && ~@slow", 1},
		{nil, "@slow,@walkthrough", 3},
	} {
		plan, err := suite.NewPlan(suite.Selection{Files: files(), Paths: test.paths, Tags: test.tags}, known(t))
		if err != nil {
			t.Errorf("%q %q: %v", test.paths, test.tags, err)
			continue
		}
		total := 0
		for _, count := range plan.ScenariosIn {
			total += count
		}
		if len(plan.Scenarios) != test.want || total != test.want {
			t.Errorf("%q %q selected %d scenarios (%d by file), want %d", test.paths, test.tags, len(plan.Scenarios), total, test.want)
		}
	}
}

func TestClaims(t *testing.T) {
	given := fstest.MapFS{"a.feature": {Data: []byte(`Feature: a
  Scenario: its own namespace
    Given an ingress controller
  Scenario: other settings
    Given an ingress controller with:
      | replicas | 2 |
  Scenario: settings of the scenario's own
    Given an ingress controller with:
      | TCP 9000 | ${namespace}/echo:80 |
  Scenario: settings that change
    Given an ingress controller with:
      | replicas | 2 |
    And an ingress controller with:
      | replicas | 1 |
  @serial
  Scenario: tagged
    Given an ingress controller
  @own-controller
  Scenario: a default backend
    Given an ingress controller
  @walkthrough
  Scenario: a shared namespace
    Given an ingress controller
  @walkthrough @article
  Scenario: the names of an article
    Given an ingress controller
  @walkthrough @article
  Scenario: an article without a controller
    When the client requests "http://a.test/"
  Scenario: a port of all nodes
    Given an ingress controller with:
      | TCP node port 9000 | 30900 |
  Scenario: a release
    When I run "helm list"
  Scenario: a measurement
    When the client makes 100 requests a second to "http://a.test/" for 1 second
`)}}
	plan, err := suite.NewPlan(suite.Selection{Files: given}, known(t))
	if err != nil {
		t.Fatal(err)
	}
	settings := "replicas\x002\x00\n"
	want := []schedule.Claim{
		{}, {Settings: settings}, {Sole: true}, {Sole: true}, {Alone: true}, {Sole: true}, {Sequence: "a.feature"}, {First: true, Sequence: "a.feature"},
		{Sequence: "a.feature"}, {Sequence: "node ports"}, {First: true, Sole: true}, {Alone: true},
	}
	if !slices.Equal(plan.Claims, want) {
		t.Errorf("claims are %+v, want %+v", plan.Claims, want)
	}
}

func TestScenariosThatMayChangeTheController(t *testing.T) {
	given := fstest.MapFS{"a.feature": {Data: []byte(`Feature: a
  Scenario: settings
    Given an ingress controller with:
      | replicas | 2 |
  Scenario: a look
    When I run "kubectl get svc"
    Then it prints "svc1"
  Scenario: a command
    When I run "kubectl -n ingress delete pods --all"
  Scenario: a release
    When I run "helm list"
  @serial
  Scenario: tagged
    Given an ingress controller
`)}}
	plan, err := suite.NewPlan(suite.Selection{Files: given}, known(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := []bool{false, false, true, true, true}; !slices.Equal(plan.Changing, want) {
		t.Errorf("%v, want %v", plan.Changing, want)
	}
}

func TestPlanReportsEveryProblem(t *testing.T) {
	broken := files()
	broken["broken/syntax.feature"] = &fstest.MapFile{Data: []byte("Feature: a\n  Scenario: b\n    Given an ingress controller\n    Gibberish\n    Given an ingress controller\n    More gibberish\n")}
	broken["broken/cells.feature"] = &fstest.MapFile{Data: []byte("Feature: a\n  Scenario: b\n    Given an ingress controller with:\n      | a | b |\n      | c |\n")}
	broken["steps/unknown.feature"] = &fstest.MapFile{Data: []byte("Feature: a\n  Background:\n    Given an ingres controller\n  Scenario: b\n    Then the respons status is 200\n  Scenario: c\n    Then the response status is OK\n")}
	broken["outline/outline.feature"] = &fstest.MapFile{Data: []byte("Feature: a\n  Scenario Outline: b\n    Then the response status is <x>\n  Scenario: empty\n")}
	broken["empty/empty.feature"] = &fstest.MapFile{Data: []byte("# nothing\n")}
	broken["long/long.feature"] = &fstest.MapFile{Data: []byte("Feature: a\n  Scenario: " + strings.Repeat("b", 1<<16) + "\n    Given an ingress controller\n")}
	broken["large/large.feature"] = &fstest.MapFile{Data: []byte("Feature: a\n" + strings.Repeat("  Scenario: b\n    Given an ingress controller\n", 1<<15))}
	broken["other/other.feature"] = &fstest.MapFile{Data: bytes.Repeat([]byte("\x7fELF\n"), 100)}
	broken["none/readme.md"] = &fstest.MapFile{Data: []byte("x")}
	for _, test := range []struct {
		name  string
		paths []string
		tags  string
		want  []string
	}{
		{"syntax, in all files", []string{"broken"}, "", []string{"broken/syntax.feature:4: ", "broken/syntax.feature:6: ", "broken/cells.feature:5: "}},
		{"unknown steps, each once", []string{"steps"}, "", []string{
			`steps/unknown.feature:3: there is no step "an ingres controller"`, "did you mean: an ingress controller",
			"steps/unknown.feature:5: there is no step \"the respons status is 200\"\n    did you mean: the response status is 200", "steps/unknown.feature:7: ",
		}},
		{"outlines and empty scenarios", []string{"outline"}, "", []string{"outline/outline.feature:2: the outline \"b\" has no examples", "outline.feature:4: the scenario \"empty\" has no steps"}},
		{"a file without a feature", []string{"empty"}, "", []string{"empty/empty.feature: the file contains no feature"}},
		{"a line that is too long", []string{"long"}, "", []string{"long/long.feature:2: the line is longer than 65534 bytes"}},
		{"a file that is too large", []string{"large"}, "", []string{"large/large.feature: the feature file is larger than 1024 KiB"}},
		{"a file of another format", []string{"other"}, "", []string{"other/other.feature:10: ", "other/other.feature: 90 more"}},
		{"a folder without features", []string{"none"}, "", []string{`no feature files in "none"`}},
		{"paths that do not exist", []string{"nowhere", "nothing.feature"}, "", []string{`"nowhere"`, `"nothing.feature"`}},
		{"a line without a scenario", []string{"conformance/shop.feature:2"}, "", []string{"no scenario was selected by the paths conformance/shop.feature:2"}},
		{"unused tags", []string{"conformance"}, "@walrus", []string{"no scenario was selected", "@walrus"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := suite.NewPlan(suite.Selection{Files: broken, Paths: test.paths, Tags: test.tags}, known(t))
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range test.want {
				if strings.Count(err.Error(), part) != 1 {
					t.Errorf("the error has %q %d times:\n%v", part, strings.Count(err.Error(), part), err)
				}
			}
		})
	}
}

// godog would interpret each of these as an unused tag.
func TestInvalidTagExpressions(t *testing.T) {
	for _, tags := range []string{"not @slow", "@a or @b", "@a and @b", "(@a)", "!@a", "slow", "@", "@a,", "&&", "@a & @b", "~~@a", "@a @b"} {
		_, err := suite.NewPlan(suite.Selection{Files: files(), Tags: tags}, known(t))
		if err == nil || !strings.Contains(err.Error(), "~@a for its absence") {
			t.Errorf("%q: %v, want an error that explains the syntax", tags, err)
		}
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join(dir, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "mine", "a.feature")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "b.feature")
	if err := os.WriteFile(outside, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		given []string
		want  int
	}{
		{nil, 4}, {[]string{"walkthroughs"}, 1}, {[]string{"mine"}, 3}, {[]string{"mine/a.feature:6"}, 1}, {[]string{file}, 3}, {[]string{file, outside}, 6},
	} {
		where, paths, err := suite.Locate(test.given, files())
		if err != nil {
			t.Errorf("%q: %v", test.given, err)
			continue
		}
		plan, err := suite.NewPlan(suite.Selection{Files: where, Paths: paths}, known(t))
		if err != nil || len(plan.Scenarios) != test.want {
			t.Errorf("%q: %+v and %v, want %d scenarios", test.given, plan, err, test.want)
		}
	}
	if _, _, err := suite.Locate([]string{"mine", "walkthroughs"}, files()); !errors.Is(err, suite.ErrInput) {
		t.Errorf("paths on disk and in the embedded files gave %v", err)
	}
}

func options(t *testing.T) suite.Options {
	return suite.Options{
		Title: "test", Files: files(), ReportDir: filepath.Join(t.TempDir(), "reports"), Kubectl: []string{"/bin/false"},
		NewController: func(cluster subject.Cluster) subject.Controller {
			return subject.NewDeployed(cluster, testbed.New(testbed.Options{}))
		},
		NewCluster: func(context.Context) (clusters.Cluster, error) { return nil, errors.New("no vxlan in this kernel") },
	}
}

func TestReportsOfARunWithoutACluster(t *testing.T) {
	given := options(t)
	run, err := suite.Run(t.Context(), given)
	if err == nil || errors.Is(err, suite.ErrInput) || !strings.Contains(err.Error(), "no vxlan in this kernel") {
		t.Errorf("error is %v", err)
	}
	if run.Verdict().Passed {
		t.Error("a run without a cluster passed")
	}
	for _, name := range []string{"index.html", "junit.xml", "cucumber.json", "results.json"} {
		report, err := os.ReadFile(filepath.Join(given.ReportDir, name))
		if err != nil {
			t.Error(err)
		} else if name != "cucumber.json" && !bytes.Contains(report, []byte("no vxlan in this kernel")) {
			t.Errorf("%s does not contain the error", name)
		}
	}
}

func TestInvalidInputStartsNothing(t *testing.T) {
	for name, change := range map[string]func(*suite.Options){
		"feature files": func(o *suite.Options) { o.Paths = []string{"nowhere"} },
		"tags":          func(o *suite.Options) { o.Tags = "not @a" },
		"images":        func(o *suite.Options) { o.Images = []string{"/no/such/image.tar"} },
		"reports": func(o *suite.Options) {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			o.ReportDir = filepath.Join(file, "reports")
		},
	} {
		given := options(t)
		given.NewCluster = func(context.Context) (clusters.Cluster, error) {
			t.Errorf("%s: a cluster was started", name)
			return nil, fs.ErrInvalid
		}
		change(&given)
		if _, err := suite.Run(t.Context(), given); !errors.Is(err, suite.ErrInput) {
			t.Errorf("%s: error is %v, want ErrInput", name, err)
		}
	}
}
