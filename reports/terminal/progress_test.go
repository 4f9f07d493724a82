package terminal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/reports/terminal"
)

// show plays a run as a recorder would tell it, up to the summary.
func show(run results.Run, options terminal.Options) string {
	var out bytes.Buffer
	progress := terminal.New(&out, options)
	counts := run.Count()
	progress.RunStarted(results.Counts{Total: counts.Total, NotRun: counts.Total})
	for _, event := range events(run) {
		for _, step := range event.Scenario.Steps {
			progress.StepStarted(event, step)
		}
		progress.ScenarioFinished(event)
	}
	progress.Summary(run, "reports/out/index.html")
	return out.String()
}

// events are those of the scenarios that have run.
func events(run results.Run) []recorder.ScenarioEvent {
	var all []recorder.ScenarioEvent
	for _, feature := range run.Features {
		for _, scenario := range feature.Scenarios {
			if scenario.Status() != results.NotRun {
				all = append(all, recorder.ScenarioEvent{Position: len(all), Feature: feature, Scenario: scenario})
			}
		}
	}
	return all
}

func TestScenariosThatRunAtTheSameTimeAreShownInOrder(t *testing.T) {
	run := example.Run()
	var out bytes.Buffer
	progress := terminal.New(&out, terminal.Options{Live: true, Width: func() int { return 100 }})
	progress.RunStarted(results.Counts{Total: 9})
	all := events(run)
	for _, event := range all {
		progress.StepStarted(event, event.Scenario.Steps[0])
	}
	if last := out.String()[strings.LastIndex(out.String(), "\x1b[K"):]; !strings.Contains(last, "1/9 Requests to /admin go round robin") ||
		!strings.Contains(last, "(and 7 more)") {
		t.Errorf("the live line is %q, want the oldest step and the number of the others", last)
	}
	for i := range all {
		progress.ScenarioFinished(all[(i+3)%len(all)])
	}
	progress.Summary(run, "reports/out/index.html")
	if diff := cmp.Diff(show(run, terminal.Options{}), remaining(out.String())); diff != "" {
		t.Errorf("what stays on the terminal (-in order +at the same time):\n%s", diff)
	}
}

// remaining is what of live output stays on the terminal.
func remaining(live string) string {
	var lines strings.Builder
	for line := range strings.Lines(live) {
		if at := strings.LastIndex(line, "\x1b[K"); at >= 0 {
			line = line[at+len("\x1b[K"):]
		}
		lines.WriteString(line)
	}
	return lines.String()
}

func TestPlainOutput(t *testing.T) {
	want := `
An ingress in front of three services  features/walkthroughs/ingress.feature
  ✓ Requests to /admin go round robin                                                        1.24 s
  ✗ A canary gets its weight                                                                 3.40 s
      Then 10 % of the requests are answered by svc-v2
      features/walkthroughs/ingress.feature:30
      expected: about 10 % of 1000 requests answered by svc-v2 (63 to 141)
          seen: 187 requests answered by svc-v2
       because: p = 3.1e-16 is below the limit of 1e-7
       look at: the routing table below, location / of gyull.com
                kubectl logs -n ingress deployment/ingress-nginx-controller
  ✓ TLS ends at the controller                                                               640 ms
  ✗ A step nobody has written                                                                  1 ms
      Given a moon made of cheese
      features/walkthroughs/ingress.feature:41
      no step definition matches this text

Hosts and wildcards  features/conformance/hosts.feature
  ✓ A request is routed by its host [host=gyull.com, status=200]                              84 ms
  ✓ A request is routed by its host [host=test.gyull.com, status=404]                         84 ms
  – Pods talk over IPv6                                                                        2 ms
      skipped: this cluster has IPv4 alone
  ✗ The namespace goes away                                                                  30.0 s
      features/conformance/hosts.feature:25
      after the scenario: the namespace hosts-4 is still terminating after 30s

Not passed: 3 of 9 scenarios failed
9 scenarios: 4 passed, 3 failed, 1 skipped, 1 not run, in 41.3 s
Report: reports/out/index.html
`
	if diff := cmp.Diff(want, show(example.Run(), terminal.Options{})); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// A long run has failures that nobody sees any more when it ends.
func TestFailuresAreShownAgainAfterALongRun(t *testing.T) {
	const again = "\nFailed\n  ✗ A canary gets its weight"
	run := example.Run()
	if strings.Contains(show(run, terminal.Options{}), again) {
		t.Error("failures of a short run are shown twice")
	}
	for range 3 {
		run.Features = append(run.Features, run.Features...)
	}
	output := show(run, terminal.Options{})
	_, end, found := strings.Cut(output, again)
	if !found || strings.Count(end, "✗") != 9 || !strings.Contains(end, "  and 14 more, which the report lists\n\nNot passed: 24 of 72") {
		t.Errorf("the end of the output:\n%s", output[max(0, len(output)-4000):])
	}
	if !strings.Contains(end, "seen: 187 requests answered by svc-v2") {
		t.Error("the reason of a failure is missing")
	}
}

func TestLiveOutputLeavesTheSameLines(t *testing.T) {
	live := show(example.Run(), terminal.Options{Live: true, Width: func() int { return 100 }})
	if !strings.Contains(live, "\r\x1b[K  1/9 Requests to /admin go round robin · When the client requests /admin 100 times") {
		t.Errorf("no live line:\n%q", live)
	}
	if diff := cmp.Diff(show(example.Run(), terminal.Options{}), remaining(live)); diff != "" {
		t.Errorf("what stays on the terminal (-plain +live):\n%s", diff)
	}
}

func TestLiveLinesFitTheWidth(t *testing.T) {
	run := example.Rewrite(example.Run(), func(text string) string { return text + strings.Repeat(" 한국어", 40) })
	for _, part := range strings.Split(show(run, terminal.Options{Live: true, Width: func() int { return 40 }}), "\x1b[K") {
		if line, _, _ := strings.Cut(part, "\r"); !strings.Contains(line, "\n") && len([]rune(line)) > 39 {
			t.Errorf("%d characters on a line of 40 columns: %q", len([]rune(line)), line)
		}
	}
}

func TestColourOnlyWhenAskedFor(t *testing.T) {
	if plain := show(example.Run(), terminal.Options{}); strings.Contains(plain, "\x1b") {
		t.Error("escape sequences without a terminal")
	}
	coloured := show(example.Run(), terminal.Options{Colour: true})
	for _, part := range []string{"\x1b[32m✓\x1b[0m", "\x1b[1;31m✗\x1b[0m", "\x1b[1;31mNot passed"} {
		if !strings.Contains(coloured, part) {
			t.Errorf("no %q", part)
		}
	}
}

func TestPassedRun(t *testing.T) {
	run := example.Run()
	run.Features = run.Features[:1]
	run.Features[0].Scenarios = run.Features[0].Scenarios[:1]
	if got := show(run, terminal.Options{}); !strings.HasSuffix(got, "\nPassed\n1 scenario: 1 passed, in 41.3 s\nReport: reports/out/index.html\n") {
		t.Errorf("output:\n%s", got)
	}
}

func TestDetect(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if options := terminal.Detect(file, func(string) string { return "" }); options.Live || options.Colour {
		t.Errorf("a file is taken for a terminal: %+v", options)
	}
}

func TestTheClockOfASlowStepGoesOnAndEnds(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	progress := terminal.New(writer, terminal.Options{Live: true})
	run := example.Run()
	progress.RunStarted(run.Count())
	event := recorder.ScenarioEvent{Feature: run.Features[0], Scenario: run.Features[0].Scenarios[0]}
	progress.StepStarted(event, run.Features[0].Scenarios[0].Steps[0])

	buffer := make([]byte, 1<<16)
	deadline := time.Now().Add(20 * time.Second)
	if err := reader.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	for output := ""; !strings.Contains(output, "100 times 2 s"); {
		n, err := reader.Read(buffer)
		if err != nil {
			t.Fatalf("after %q: %v", output, err)
		}
		output += string(buffer[:n])
	}
	progress.Close()
	progress.Close()
}

// A scenario that ends late keeps those of later files from being shown.
func TestOutputThatIsNotLiveSaysHowFarTheRunIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := example.Run()
		all := events(run)
		var out bytes.Buffer
		progress := terminal.New(&out, terminal.Options{})
		progress.RunStarted(results.Counts{Total: len(all)})
		for _, event := range all[1:] {
			progress.ScenarioFinished(event)
		}
		time.Sleep(70 * time.Second) // of the bubble's clock
		progress.ScenarioFinished(all[0])
		time.Sleep(20 * time.Second)
		progress.Close()
		line := fmt.Sprintf("  … %d of %d scenarios have ended\n", len(all)-1, len(all))
		if got := out.String(); !strings.HasPrefix(got, line+line) || strings.Count(got, "have ended") != 2 {
			t.Errorf("got\n%s\nwant the line %q twice, before all others", got, line)
		}
	})
}

func FuzzHostileTextStaysText(f *testing.F) {
	for _, seed := range []string{"\x1b[2J", "\r\nfake ✓ line", "\x9b31m", "\x07", "\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hostile string) {
		run := example.Rewrite(example.Run(), func(text string) string { return text + hostile })
		if output := show(run, terminal.Options{}); strings.ContainsAny(output, "\x1b\r\x07\u009b\u202e") {
			t.Errorf("control characters came through: %q", output)
		}
	})
}
