package html_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	reporthtml "github.com/ingress-testbed/testbed/reports/html"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/results"
)

// render returns the page's syntax tree and its source.
func render(t testing.TB, run results.Run) (*html.Node, string) {
	t.Helper()
	// Files are saved before a report is made.
	run = run.MapEvidence(func(_ results.Position, e evidence.Evidence) evidence.Evidence {
		if file, ok := e.(evidence.File); ok {
			return results.SavedFile{Title: file.Title, Name: file.Name, Href: "evidence/" + "https.pcap", Size: 24}
		}
		return e
	})
	var source bytes.Buffer
	if err := reporthtml.Write(&source, &run); err != nil {
		t.Fatal(err)
	}
	document, err := html.Parse(bytes.NewReader(source.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return document, source.String()
}

func attribute(node *html.Node, name string) (string, bool) {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func hasClass(node *html.Node, class string) bool {
	value, _ := attribute(node, "class")
	for _, one := range strings.Fields(value) {
		if one == class {
			return true
		}
	}
	return false
}

// all are the elements of a name ("" for any) with a class ("" for any).
func all(root *html.Node, name, class string) []*html.Node {
	var found []*html.Node
	for node := range root.Descendants() {
		if node.Type == html.ElementNode && (name == "" || node.Data == name) && (class == "" || hasClass(node, class)) {
			found = append(found, node)
		}
	}
	return found
}

func text(node *html.Node) string {
	var content strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode && child.Parent.Data != "style" && child.Parent.Data != "title" {
			content.WriteString(child.Data + " ")
		}
	}
	return strings.Join(strings.Fields(content.String()), " ")
}

func TestGolden(t *testing.T) {
	_, source := render(t, example.Run())
	golden.Compare(t, "testdata/index.html", source)
}

func TestThePageIsSelfContained(t *testing.T) {
	document, source := render(t, example.Run())
	ids := map[string]bool{}
	for _, node := range all(document, "", "") {
		if id, ok := attribute(node, "id"); ok {
			if ids[id] {
				t.Errorf("the id %q is there twice", id)
			}
			ids[id] = true
		}
	}
	for _, node := range all(document, "", "") {
		switch node.Data {
		case "script", "link", "iframe", "object", "embed", "base", "img", "image", "use":
			t.Errorf("the page has the element %s", node.Data)
		}
		for _, a := range node.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "srcset":
				t.Errorf("the page has the attribute %s=%q", a.Key, a.Val)
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				if !ids[a.Val[1:]] {
					t.Errorf("a link leads nowhere: %s", a.Val)
				}
			case a.Key == "href" && a.Val != "evidence/https.pcap":
				t.Errorf("a link leads away: %s", a.Val)
			}
		}
	}
	if strings.Contains(source, "url(") || strings.Contains(source, "@import") {
		t.Error("the style loads something")
	}
	if strings.Contains(source, "ZgotmplZ") {
		t.Error("the template engine refused a value")
	}
}

func TestThePageTellsTheVerdict(t *testing.T) {
	passing := example.Run()
	passing.Features = passing.Features[:1]
	passing.Features[0].Scenarios = passing.Features[0].Scenarios[:1]
	interrupted := passing
	interrupted.Error = "interrupted from the keyboard"
	cases := map[string]struct {
		run              results.Run
		heading, reason  string
		title            string
		failuresSections int
	}{
		"passed":      {passing, "✓ Passed", "", "Passed: Ingress conformance", 0},
		"failed":      {example.Run(), "✗ Failed", "3 of 9 scenarios failed", "Failed: Ingress conformance", 1},
		"interrupted": {interrupted, "✗ Not passed", "interrupted from the keyboard", "Not passed: Ingress conformance", 0},
		"empty":       {results.Run{}, "✗ Not passed", "no scenario was selected", "Not passed: Test run", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			document, _ := render(t, c.run)
			if h1 := all(document, "h1", ""); len(h1) != 1 || text(h1[0]) != c.heading {
				t.Errorf("%d headings, the first %q, want %q", len(h1), text(h1[0]), c.heading)
			}
			got := ""
			for _, reason := range all(document, "p", "reason") {
				got += text(reason)
			}
			if got != c.reason {
				t.Errorf("reason %q, want %q", got, c.reason)
			}
			if title := all(document, "title", "")[0].FirstChild.Data; title != c.title {
				t.Errorf("title %q, want %q", title, c.title)
			}
			if sections := all(document, "section", "failures"); len(sections) != c.failuresSections {
				t.Errorf("%d lists of failures, want %d", len(sections), c.failuresSections)
			}
		})
	}
}

func TestScenariosAreThereAndFailedOnesAreOpen(t *testing.T) {
	run := example.Run()
	document, _ := render(t, run)
	var want, got []string
	for _, feature := range run.Features {
		for _, s := range feature.Scenarios {
			line := s.Name
			if s.Status().Failing() {
				line += " (open)"
			}
			want = append(want, line)
		}
	}
	for _, details := range all(document, "details", "scenario") {
		line := text(all(details, "h3", "")[0])
		if _, open := attribute(details, "open"); open {
			line += " (open)"
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
}

func TestWhatAFailureShows(t *testing.T) {
	document, _ := render(t, example.Run())
	canary := all(document, "details", "scenario")[1]
	var got []string
	for _, row := range all(all(canary, "div", "failure")[0], "div", "") {
		got = append(got, text(row))
	}
	want := []string{
		"Expected about 10 % of 1000 requests answered by svc-v2 (63 to 141)",
		"Seen 187 requests answered by svc-v2",
		"Because p = 3.1e-16 is below the limit of 1e-7",
		"Where to look the routing table below, location / of gyull.com " +
			"kubectl logs -n ingress deployment/ingress-nginx-controller",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

func TestAFailureShowsAllDeviations(t *testing.T) {
	run := example.Run()
	failure := run.Features[0].Scenarios[1].FailedStep().Failure
	failure.Context = "row 1"
	failure.Others = []results.Deviation{{Context: "row 2", Expected: "status 401", Seen: "200 OK"}, {Seen: "closed"}}
	document, _ := render(t, run)
	shown := all(all(document, "details", "scenario")[1], "div", "failure")[0]
	var got []string
	for _, row := range all(shown, "tr", "") {
		got = append(got, text(row))
	}
	want := []string{
		"Expected Seen", "about 10 % of 1000 requests answered by svc-v2 (63 to 141) row 1 187 requests answered by svc-v2",
		"status 401 row 2 200 OK", "closed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deviations (-want +got):\n%s", diff)
	}
	if terms := all(shown, "dt", ""); len(terms) != 2 || text(terms[0]) != "Because" {
		t.Errorf("%d terms beside the table", len(terms))
	}
}

func TestFailuresAreListedByEffectTheGravestFirst(t *testing.T) {
	run := example.Run()
	last := &run.Features[0].Scenarios[3]
	last.Steps[0].Failure = &results.Failure{Message: "served", Effect: effect.ProtectionLost}
	document, _ := render(t, run)
	var got []string
	for _, group := range all(all(document, "section", "failures")[0], "div", "effect") {
		got = append(got, text(all(group, "h3", "")[0])+" "+text(all(group, "a", "")[0]))
	}
	want := []string{
		"protection lost 1 Requests are served that should be refused. A step nobody has written",
		"another backend 1 Another backend answers, or one where none should. A canary gets its weight",
		"other failures 1 No answer to a request is concerned. The namespace goes away",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestABackgroundIsFoldedUpUnlessItFailed(t *testing.T) {
	run := example.Run()
	document, _ := render(t, run)
	scenario := all(document, "details", "scenario")[4]
	folded := all(scenario, "details", "background")
	if len(folded) != 1 || text(all(folded[0], "summary", "")[0]) != "✓ Background, 1 step 71 ms" {
		t.Fatalf("%d backgrounds are folded up: %s", len(folded), text(scenario))
	}
	if steps := all(scenario, "li", "step"); len(steps) != 3 {
		t.Errorf("%d steps, want 3", len(steps))
	}
	run.Features[1].Scenarios[0].Steps[0].Status = results.Failed
	run.Features[1].Scenarios[0].Steps[0].Failure = &results.Failure{Message: "broken"}
	document, _ = render(t, run)
	if folded := all(all(document, "details", "scenario")[4], "details", "background"); len(folded) != 0 {
		t.Error("a failed background is folded up")
	}
}

func TestLongTextsOfStepsAreFoldedUp(t *testing.T) {
	run := example.Run()
	run.Features[1].Scenarios[2].Steps[0].DocString = strings.Repeat("line\n", 40)
	document, _ := render(t, run)
	folded := all(document, "details", "argument")
	if len(folded) != 1 || !strings.HasPrefix(text(folded[0]), "40 lines line") {
		t.Errorf("%d texts are folded up", len(folded))
	}
}

func TestSkippedScenariosShowTheirReason(t *testing.T) {
	document, _ := render(t, example.Run())
	for _, details := range all(document, "details", "skipped") {
		if summary := text(all(details, "summary", "")[0]); !strings.Contains(summary, "this cluster has IPv4 alone") {
			t.Errorf("summary %q lacks the reason", summary)
		}
	}
}

func TestScenariosThatDidNotEndSayHowFarTheyCame(t *testing.T) {
	run := example.Run()
	stopped := &run.Features[0].Scenarios[0]
	stopped.Steps[1].Status = results.NotRun
	document, _ := render(t, run)
	want := map[string]string{"Requests to /admin go round robin": "did not come to its end", "Two wildcards": "not run"}
	for _, details := range all(document, "details", "notrun") {
		name, note := text(all(details, "h3", "")[0]), text(all(details, "span", "note")[0])
		if note != want[name] {
			t.Errorf("%s: %q, want %q", name, note, want[name])
		}
		delete(want, name)
	}
	if len(want) != 0 {
		t.Errorf("not shown as unfinished: %v", want)
	}
}

func TestDistribution(t *testing.T) {
	document, _ := render(t, example.Run())
	figure := all(document, "figure", "distribution")[1]
	var bars []string
	for _, track := range all(figure, "span", "track") {
		label, _ := attribute(track, "aria-label")
		bars = append(bars, label)
		for _, part := range all(track, "i", "") {
			style, _ := attribute(part, "style")
			if !regexp.MustCompile(`^((width|left): \d{1,3}\.\d{3}%(; )?)+$`).MatchString(style) {
				t.Errorf("style %q", style)
			}
		}
	}
	want := []string{
		"svc-v1 (nginx 1.13.0): 813 of 1000, expected 900, outside the accepted 859–937",
		"svc-v2 (nginx 1.13.1): 187 of 1000, expected 100, outside the accepted 63–141",
	}
	if diff := cmp.Diff(want, bars); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	for _, part := range []string{"not as expected", "p = 3.1 × 10⁻¹⁶", "false alarm 1 in 10 million", "exact binomial test"} {
		if !strings.Contains(text(figure), part) {
			t.Errorf("the figure lacks %q: %s", part, text(figure))
		}
	}
	if exact := text(all(document, "figure", "distribution")[0]); !strings.Contains(exact, "Counted exactly") {
		t.Errorf("the exact distribution says %q", exact)
	}
}

func TestLadder(t *testing.T) {
	document, _ := render(t, example.Run())
	figure := all(document, "figure", "ladder")[0]
	var labels []string
	for _, label := range all(figure, "text", "label") {
		labels = append(labels, text(label))
	}
	if diff := cmp.Diff([]string{"SYN", "SYN, ACK", "ACK", "ClientHello", "ServerHello"}, labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	arrows := all(figure, "line", "arrow")
	x := func(i int, end string) string { value, _ := attribute(arrows[i], end); return value }
	if x(0, "x1") != x(1, "x2") || x(0, "x2") != x(1, "x1") || x(0, "x1") == x(0, "x2") {
		t.Errorf("SYN goes from %s to %s, its answer from %s to %s", x(0, "x1"), x(0, "x2"), x(1, "x1"), x(1, "x2"))
	}
	for i, head := range all(figure, "polygon", "") {
		points, _ := attribute(head, "points")
		var tip, base, from, to int
		if _, err := fmt.Sscanf(points+" "+x(i, "x1")+" "+x(i, "x2"), "%d,%d %d,%d %d,%d %d %d",
			&tip, new(int), &base, new(int), new(int), new(int), &from, &to); err != nil {
			t.Fatalf("points %q: %v", points, err)
		}
		if tip != to || (base < tip) != (from < to) {
			t.Errorf("the line from %d to %d has its head at %s", from, to, points)
		}
	}
	if link := all(figure, "a", ""); len(link) != 1 || text(link[0]) != "https.pcap" {
		t.Errorf("%d links to the capture", len(link))
	}
	if rows := all(all(figure, "tbody", "")[0], "tr", ""); len(rows) != 5 {
		t.Errorf("the table has %d rows", len(rows))
	}
}

func TestAccessibility(t *testing.T) {
	document, _ := render(t, example.Run())
	level := 0
	for _, node := range all(document, "", "") {
		if len(node.Data) == 2 && node.Data[0] == 'h' && node.Data[1] >= '1' && node.Data[1] <= '6' {
			if next := int(node.Data[1] - '0'); next > level+1 {
				t.Errorf("heading %q is of level %d below one of level %d", text(node), next, level)
			} else {
				level = next
			}
		}
		if role, _ := attribute(node, "role"); role == "img" {
			if label, _ := attribute(node, "aria-label"); label == "" {
				t.Errorf("a picture has no label: %s", node.Data)
			}
		}
	}
	if lang, _ := attribute(all(document, "html", "")[0], "lang"); lang == "" {
		t.Error("the page has no language")
	}
	for _, input := range all(document, "input", "") {
		id, _ := attribute(input, "id")
		labelled := false
		for _, label := range all(document, "label", "") {
			target, _ := attribute(label, "for")
			labelled = labelled || target == id
		}
		if !labelled {
			t.Errorf("the input %q has no label", id)
		}
	}
}

// elements is the page's structure without its content.
func elements(document *html.Node) string {
	var names []string
	for _, node := range all(document, "", "") {
		names = append(names, node.Data)
	}
	return strings.Join(names, " ")
}

func FuzzContentDoesNotChangeTheStructure(f *testing.F) {
	for _, seed := range []string{
		"<script>alert(1)</script>", `"><img src=x onerror=y>`, "</style></title></pre>", "{{.}}", "\x00\x1b[2J\xff\u202e",
		"javascript:alert(1)", strings.Repeat("a", 3000), "line\nline", "]]>", "&lt;", "𝔘𝔫𝔦 한국어 🐵",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hostile string) {
		// Long texts are folded up, which is a change of structure that their lines are meant to make.
		hostile = strings.NewReplacer("\n", " ", "\r", " ").Replace(hostile)
		plain := example.Rewrite(example.Run(), func(string) string { return "x" })
		changed := example.Rewrite(example.Run(), func(string) string { return "x" + hostile + "x" })
		want, _ := render(t, plain)
		got, _ := render(t, changed)
		if diff := cmp.Diff(elements(want), elements(got)); diff != "" {
			t.Errorf("elements (-want +got):\n%s", diff)
		}
	})
}
