package matrix_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ingress-testbed/testbed/internal/golden"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/reports/internal/example"
	"github.com/ingress-testbed/testbed/reports/matrix"
	"github.com/ingress-testbed/testbed/reports/results"
)

func render(t testing.TB, m *matrix.Matrix) (*html.Node, string) {
	t.Helper()
	var source bytes.Buffer
	if err := m.WritePage(&source); err != nil {
		t.Fatal(err)
	}
	document, err := html.Parse(bytes.NewReader(source.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return document, source.String()
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// all are the elements of a name with a class; "" stands for any.
func all(root *html.Node, name, class string) []*html.Node {
	var found []*html.Node
	for node := range root.Descendants() {
		classes := " " + attribute(node, "class") + " "
		if node.Type == html.ElementNode && (name == "" || node.Data == name) && (class == "" || strings.Contains(classes, " "+class+" ")) {
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

// rows are the table's, each cell with the place that it links to.
func rows(document *html.Node) [][]string {
	var found [][]string
	for _, tr := range all(document, "tr", "") {
		var row []string
		for cell := range tr.ChildNodes() {
			if cell.Type != html.ElementNode {
				continue
			}
			content := text(cell)
			for _, a := range all(cell, "a", "") {
				content += " → " + attribute(a, "href")
			}
			row = append(row, content)
		}
		found = append(found, row)
	}
	return found
}

func TestGolden(t *testing.T) {
	m := four()
	_, page := render(t, m)
	golden.Compare(t, "testdata/index.html", page)
	var markdown strings.Builder
	if err := m.WriteMarkdown(&markdown); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/summary.md", markdown.String())
	var text strings.Builder
	for _, row := range m.Rows() {
		text.WriteString(strings.Join(row, " | ") + "\n")
	}
	for _, remark := range m.Remarks() {
		text.WriteString(remark + "\n")
	}
	golden.Compare(t, "testdata/terminal.txt", text.String())
}

func TestTheTable(t *testing.T) {
	document, _ := render(t, four())
	want := [][]string{
		{"Feature", "v1.34 → v1.34/index.html", "v1.35 → v1.35/index.html", "kind", "k3d"},
		{"Verdict", "✓ passed", "✗ failed 1 of 3 scenarios failed", "✓ passed", "✗ did not finish it left no results.json"},
		{
			"Feature hosts hosts", "✓ 2 passed → v1.34/index.html#feature-1",
			"✓ 1 passed ✗ 1 failed → v1.35/index.html#feature-1", "✓ 3 passed", "no results",
		},
		{"exact", "✓ passed → v1.34/index.html#scenario-1-1", "✓ passed → v1.35/index.html#scenario-1-1", "✓ passed", "no results"},
		{"wildcard", "✓ passed → v1.34/index.html#scenario-1-2", "✗ failed → v1.35/index.html#scenario-1-2", "✓ passed", "no results"},
		{"new", "not there", "not there", "✓ passed", "no results"},
		{
			"Feature tunnel tunnel", "✓ 1 passed → v1.34/index.html#feature-2", "✓ 1 passed → v1.35/index.html#feature-2",
			"– 1 skipped", "no results",
		},
		{"vxlan", "✓ passed → v1.34/index.html#scenario-2-1", "✓ passed → v1.35/index.html#scenario-2-1", "– skipped", "no results"},
	}
	if diff := cmp.Diff(want, rows(all(document, "table", "matrix")[0])); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	var open []string
	for _, details := range all(all(document, "table", "matrix")[0], "details", "") {
		for _, a := range details.Attr {
			if a.Key == "open" {
				open = append(open, text(all(details, "summary", "")[0]))
			}
		}
	}
	if diff := cmp.Diff([]string{"Feature hosts"}, open); diff != "" {
		t.Errorf("features that are open (-want +got):\n%s", diff)
	}
}

// Runs whose features come in another order have other numbers on their pages.
func TestLinksFollowTheRunsOwnOrder(t *testing.T) {
	m := matrix.New("", []matrix.Run{
		{Label: "a", Results: run(feature("f", scenario("s", results.Passed, "")), feature("g", scenario("s", results.Passed, "")))},
		{Label: "b", Page: "b.html", Results: run(
			feature("g", scenario("t", results.Passed, ""), scenario("s", results.Passed, "")), feature("f", scenario("s", results.Passed, "")))},
		{Label: "c", Page: "c.html", Results: run()},
	})
	document, _ := render(t, m)
	if heads := len(all(all(document, "table", "matrix")[0], "a", "")); heads != 2+2+3 { // runs, features, scenarios
		t.Errorf("%d links in the table", heads)
	}
	var got []string
	for _, tr := range all(document, "tr", "one") {
		for _, a := range all(tr, "a", "") {
			got = append(got, text(all(tr, "th", "")[0])+" "+attribute(a, "href"))
		}
	}
	if diff := cmp.Diff([]string{"s b.html#scenario-2-1", "s b.html#scenario-1-2", "t b.html#scenario-1-1"}, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestTheListsOfFailuresAndDifferences(t *testing.T) {
	document, _ := render(t, four())
	list := all(document, "ul", "differences")
	if len(list) != 2 {
		t.Fatalf("%d lists", len(list))
	}
	want := "wildcard Feature hosts expected 200, seen 404 ✗ failed v1.35 ; ✓ passed v1.34 , kind"
	if got := text(list[0]); got != want {
		t.Errorf("failures %q, want %q", got, want)
	}
	if got := text(list[1]); !strings.Contains(got, "vxlan Feature tunnel ✓ passed v1.34 , v1.35 – skipped kind routed by kindnet") {
		t.Errorf("differences %q", got)
	}
	same := run(feature("f", scenario("s", results.Failed, "boom")))
	document, _ = render(t, matrix.New("", []matrix.Run{{Label: "a", Results: same}, {Label: "b", Results: same}}))
	if got := text(document); !strings.Contains(got, "Nothing: wherever scenarios ran") || !strings.Contains(got, "s Feature f boom ✗ failed a, b (all runs)") {
		t.Errorf("page %s", got)
	}
}

func TestTheTableOfEffects(t *testing.T) {
	m := grave()
	if err := m.Refer("a"); err != nil {
		t.Fatal(err)
	}
	document, page := render(t, m)
	golden.Compare(t, "testdata/reference.html", page)
	want := [][]string{
		{"Effect", "Scenarios", "a reference", "b", "c", "What it means"},
		{"protection lost → #effect-protection-lost", "1", "–", "1", "–", "Requests are served that should be refused."},
		{"route lost → #effect-route-lost", "2", "1", "–", "2", "Requests are not served that should be."},
		{"headers", "1", "1", "–", "1", "Clients or backends get other header fields."},
	}
	if diff := cmp.Diff(want, rows(all(document, "table", "effects")[0])); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	var headings []string
	for _, name := range []string{"h2", "h3"} {
		for _, heading := range all(document, name, "") {
			headings = append(headings, text(heading))
		}
	}
	wantHeadings := []string{
		"What fails, compared with a", "What fails in the reference, too", "What else is not the same in all runs", "Features by run", "Runs",
		"protection lost 1 Requests are served that should be refused.", "route lost 2 Requests are not served that should be.",
	}
	if diff := cmp.Diff(wantHeadings, headings); diff != "" {
		t.Errorf("headings (-want +got):\n%s", diff)
	}
}

func TestTheVerdictIsOnTop(t *testing.T) {
	document, source := render(t, four())
	if h1 := text(all(document, "h1", "")[0]); h1 != "✗ Not passed" {
		t.Errorf("heading %q", h1)
	}
	if reason := text(all(document, "p", "reason")[0]); reason != "2 of 4 runs did not pass: v1.35, k3d" {
		t.Errorf("reason %q", reason)
	}
	if size := text(all(document, "p", "when")[0]); size != "2 features, 4 scenarios, 4 runs" {
		t.Errorf("size %q", size)
	}
	if counts := text(all(document, "ul", "counts")[0]); counts != "2 passed 2 not passed" {
		t.Errorf("counts %q", counts)
	}
	if !strings.Contains(source, "<title>Not passed: Conformance, 4 runs</title>") {
		t.Error("the title lacks the verdict")
	}
	document, _ = render(t, matrix.New("", []matrix.Run{{Label: "a", Results: run(feature("f", scenario("s", results.Passed, "")))}}))
	if size := text(all(document, "p", "when")[0]); size != "1 feature, 1 scenario, 1 run" {
		t.Errorf("size %q", size)
	}
	if h1 := text(all(document, "h1", "")[0]); h1 != "✓ Passed" {
		t.Errorf("heading %q", h1)
	}
}

func TestThePageTellsWhereRunsTookPlace(t *testing.T) {
	r := example.Run()
	document, _ := render(t, matrix.New("", []matrix.Run{{Label: "a", Page: "a.html", Results: &r}}))
	want := "a ✗ failed 41.3 s 3 of 9 scenarios failed Cluster embedded Kubernetes v1.37.2 " +
		"Nodes k3s-s, k3s-w1, k3s-w2, k3s-w3 Controller testbed.local/controller:dev Client 175.116.31.155 The run's own report"
	if got := text(all(document, "details", "run")[0]); got != want {
		t.Errorf("run %q, want %q", got, want)
	}
}

func TestThePageIsSelfContainedAndAccessible(t *testing.T) {
	document, source := render(t, four())
	ids, level := map[string]bool{}, 0
	for _, node := range all(document, "", "") {
		if id := attribute(node, "id"); id != "" {
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
		case "th":
			if attribute(node, "scope") == "" {
				t.Errorf("the heading %q has no scope", text(node))
			}
		case "h1", "h2", "h3":
			if next := int(node.Data[1] - '0'); next > level+1 {
				t.Errorf("heading %q is of level %d below one of level %d", text(node), next, level)
			} else {
				level = next
			}
		}
		for _, a := range node.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "srcset" {
				t.Errorf("the page has the attribute %s=%q", a.Key, a.Val)
			}
			if a.Key == "aria-labelledby" && !ids[a.Val] {
				t.Errorf("there is no %s to label something", a.Val)
			}
		}
	}
	if attribute(all(document, "html", "")[0], "lang") == "" {
		t.Error("the page has no language")
	}
	for _, refused := range []string{"url(", "@import", "ZgotmplZ"} {
		if strings.Contains(source, refused) {
			t.Errorf("the page has %q", refused)
		}
	}
	for _, wanted := range []string{"prefers-color-scheme: dark", ".pill {", ".matrix .one { display: none; }"} {
		if !strings.Contains(source, wanted) {
			t.Errorf("the style lacks %q", wanted)
		}
	}
}

func FuzzContentDoesNotChangeTheStructure(f *testing.F) {
	for _, seed := range []string{
		"<script>alert(1)</script>", `"><img src=x onerror=y>`, "</style></title></table>", "{{.}}", "\x00\x1b[2J\xff\u202e",
		"javascript:alert(1)", "line\nline", "&lt;", "𝔘𝔫𝔦 한국어 🐵", "</details></td>",
	} {
		f.Add(seed)
	}
	elements := func(t *testing.T, text string) string {
		r := example.Rewrite(example.Run(), func(string) string { return "x" + text + "x" })
		document, _ := render(t, matrix.New(text, []matrix.Run{
			{Label: text + "a", Page: "a", Results: &r}, {Label: text + "b", Results: run(feature("f", scenario("s", results.Passed, "")))},
			{Label: text + "c", Error: text},
		}))
		var names []string
		for _, node := range all(document, "", "") {
			names = append(names, node.Data)
		}
		return strings.Join(names, " ")
	}
	f.Fuzz(func(t *testing.T, hostile string) {
		if diff := cmp.Diff(elements(t, "y"), elements(t, "y"+hostile+"y")); diff != "" {
			t.Errorf("elements (-want +got):\n%s", diff)
		}
	})
}

// TestLoadRuns has the same load run in two runs: a table with a row for each, and their latencies in one plot.
func TestLoadRuns(t *testing.T) {
	loaded := func() *results.Run {
		return &results.Run{Features: []results.Feature{{URI: "load.feature", Name: "Load", Scenarios: []results.Scenario{{
			Name: "500 a second", Steps: []results.Step{{Status: results.Passed, Evidence: []evidence.Evidence{example.Load(time.Time{})}}},
		}}}}}
	}
	document, page := render(t, matrix.New("Load", []matrix.Run{{Label: "own", Results: loaded()}, {Label: "other", Results: loaded()}}))
	tables := all(document, "table", "loads")
	if len(tables) != 1 || len(all(tables[0], "tr", "")) != 3 {
		t.Fatalf("%d tables of load runs in\n%s", len(tables), page)
	}
	for i, want := range []string{"Run Requests A second Failed", "✓ own 3000 500 1 1.1 ms", "✓ other 3000 500 1 1.1 ms"} {
		if got := text(all(tables[0], "tr", "")[i]); !strings.HasPrefix(got, want) {
			t.Errorf("row %d is %q, want %q", i, got, want)
		}
	}
	if lines := len(all(document, "path", "line-run-0")) + len(all(document, "path", "line-run-1")); lines != 2 {
		t.Errorf("the plot has %d lines", lines)
	}
	if _, page := render(t, matrix.New("No load", []matrix.Run{{Label: "own", Results: &results.Run{}}})); strings.Contains(page, "Load runs") {
		t.Error("a section for load runs without one")
	}
}
