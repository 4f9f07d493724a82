package record_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// What Write writes, Read reads: nothing of the project's record is lost.
func TestWrittenRecordsAreReadBack(t *testing.T) {
	t.Parallel()
	original, err := record.Read(records.IngressNginx())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := original.Write(dir); err != nil {
		t.Fatal(err)
	}
	again, err := record.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(original, again, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-original +read back):\n%s", diff)
	}
}

// The measurements are complete, and every file can be opened by people.
func TestTheRecordIsComplete(t *testing.T) {
	t.Parallel()
	files := records.IngressNginx()
	whole, err := record.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	for _, one := range whole.Cases() {
		requests += len(one.Requests)
		for i, request := range one.Requests {
			if len(request.Answers) == 0 {
				t.Errorf("%s, request %d has no answer", one.Name, i+1)
			}
		}
	}
	if cases := len(whole.Cases()); cases != 119 || requests != 512 {
		t.Errorf("%d cases with %d requests, want 119 and 512", cases, requests)
	}
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := fs.Stat(files, name); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

const (
	about = "apiVersion: record.testbed.local/v1alpha1\nkind: Record\ncontroller: c\nrecorded: \"2026-11-26\"\n"
	area  = "apiVersion: record.testbed.local/v1alpha1\nkind: RecordedArea\narea: hosts\ncases:\n- name: one\n  users: 1\n"
)

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ about, area, want string }{
		"misspelt field":       {about, area + "  request: []\n", "field request not found"},
		"other kind":           {about, strings.Replace(area, "RecordedArea", "Area", 1), `kind "Area"`},
		"no target":            {about, area + "  requests: [{host: a.test}]\n", "request 1: target is missing"},
		"raw and target":       {about, area + "  requests: [{raw: x, target: /}]\n", "raw bytes and nothing else"},
		"raw beyond bytes":     {about, area + "  requests: [{raw: \"\\u2019\"}]\n", "above U+00FF"},
		"two kinds of headers": {about, area + "  requests: [{target: /, host: a, onlyHeaders: [\"A: b\"]}]\n", "leave out host and headers"},
		"HTTP/2 without TLS":   {about, area + "  requests: [{target: /, http2: true}]\n", "http2 needs https: true"},
		"judge is missing":     {about, area + "  requests: [{target: /, times: 2, answers: [{count: 1, status: 200}, {count: 1, status: 404}]}]\n", "set judge"},
		"counts don't add up":  {about, area + "  requests: [{target: /, times: 3, judge: turns, answers: [{count: 1, status: 200}, {count: 1, status: 404}]}]\n", "2 together"},
		"bucket without rate":  {about, area + "  requests: [{target: /, judge: bucket, answers: [{status: 200}]}]\n", "needs refill"},
		"users":                {about, strings.Replace(area, "users: 1", "users: 9", 1), "from 1 to 5"},
		"long pause":           {about, area + "  requests: [{target: /, after: 1h}]\n", "not a duration from 0s to 1m"},
		"unknown admission":    {about, area + "  objects: [{kind: Ingress, metadata: {name: a}}]\n  admission: {a: maybe}\n", "the admission of"},
		"admission of nothing": {about, area + "  admission: {a: accepted}\n", "not among the objects"},
		"same name twice":      {about, area + "- name: one\n  users: 1\n", "two cases"},
		"secret of two kinds":  {about + "secrets: [{name: s, hosts: [a], authority: b}]\n", area, "one of hosts, authority and data"},
		"two documents":        {about + "---\na: b\n", area, "more than one document"},
		"empty":                {"", area, "the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := record.Read(fstest.MapFS{
				"record.yaml": {Data: []byte(c.about)}, "setup.yaml": {}, "hosts.yaml": {Data: []byte(c.area)},
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestExceptionsAreOfChecksThatThereAre(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: record.testbed.local/v1alpha1\nkind: RecordExceptions\nexceptions:\n"
	for name, c := range map[string]struct{ exceptions, want string }{
		"none":          {head + "- {kind: outage, reason: r, checks: {one: [GET http://a.test/]}}\n", ""},
		"other kind":    {head + "- {kind: bug, reason: r, checks: {one: [GET http://a.test/]}}\n", `is "bug" instead of "artefact" or "outage"`},
		"no reason":     {head + "- {kind: outage, checks: {one: [GET http://a.test/]}}\n", "needs a reason and checks"},
		"unknown case":  {head + "- {kind: outage, reason: r, checks: {two: [GET http://a.test/]}}\n", `unknown case "two"`},
		"unknown check": {head + "- {kind: outage, reason: r, checks: {one: [GET http://b.test/]}}\n", `no check "GET http://b.test/"; its checks are ["GET http://a.test/"]`},
		"twice":         {head + "- {kind: outage, reason: r, checks: {one: [GET http://a.test/, GET http://a.test/]}}\n", "listed twice"},
		"area":          {strings.Replace(head, "Exceptions", "edArea", 1) + "  []\n", `kind "RecordedArea"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, err := record.Read(fstest.MapFS{
				"record.yaml": {Data: []byte(about)}, "hosts.yaml": {Data: []byte(area + "  requests: [{target: /, host: a.test}]\n")},
				"exceptions.yaml": {Data: []byte(c.exceptions)},
			})
			switch {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want one with %q", err, c.want)
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && (whole.Exception("one", "GET http://a.test/") == nil || whole.Exception("one", "GET http://b.test/") != nil):
				t.Error("the exceptions are not those of the file")
			}
		})
	}
}

func TestAFolderThatIsNoRecord(t *testing.T) {
	t.Parallel()
	_, err := record.Read(fstest.MapFS{})
	if err == nil || !strings.Contains(err.Error(), "a record is a folder with record.yaml and a file for each area") {
		t.Errorf("error %v", err)
	}
}

func TestPlaceholdersAreReplaced(t *testing.T) {
	t.Parallel()
	bindings := record.Bindings{"class": "nginx", "client address": "192.0.2.1"}
	got, err := bindings.Request(record.Request{
		Target: "/${repeat 5 x}", Headers: []string{"X-${each 1-3}: ${class}", "B: ${client address}"},
		Answers: []record.Answer{{Saw: &record.Seen{Headers: map[string]record.Values{
			"x-${each 8-9}": {"a"}, "x-request-id": {"${32 hex digits}"},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := record.Request{
		Target: "/xxxxx", Headers: []string{"X-1: nginx", "X-2: nginx", "X-3: nginx", "B: 192.0.2.1"},
		Answers: []record.Answer{{Saw: &record.Seen{Headers: map[string]record.Values{
			"x-8": {"a"}, "x-9": {"a"}, "x-request-id": {"${32 hex digits}"},
		}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"${unknown}", "${repeat 9999999 x}", "${repeat 900000 x}${repeat 900000 x}"} {
		if _, err := bindings.Text(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
	if _, err := bindings.Request(record.Request{Headers: []string{"${each 9-1}"}}); err == nil {
		t.Error("an empty range gives no error")
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		template, text string
		want           bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a=${any}; Path=/", "a=1|2; Path=/", true},
		{"a=${any}; Path=/", "a=1|2; Path=/x", false},
		{"${32 hex digits}", id, true},
		{"${32 hex digits}", id + "0", false},
		{"Expires=${date}", "Expires=Thu, 26 Nov 2026 15:00:00 GMT", true},
		{"Expires=${date}", "Expires=tomorrow", false},
		{"(${pod of a}).", "(a-6f7-x1).", true},
		{"(${pod of a}).", "(a-6f7-x1)x", false},
		{"${other}", "${other}", true},
		{"${any}", "", true},
	} {
		if got := record.Matches(c.template, c.text); got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.template, c.text, got, c.want)
		}
	}
}

func FuzzParseArea(f *testing.F) {
	f.Add([]byte(area + "  requests: [{target: /, answers: [{status: 200}]}]\n"))
	if content, err := fs.ReadFile(records.IngressNginx(), "class.yaml"); err == nil {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		parsed, err := record.ParseArea(content)
		if err != nil {
			return
		}
		written, err := record.Encode(parsed)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := record.ParseArea(written)
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, written)
		}
		if len(again.Cases) != len(parsed.Cases) {
			t.Errorf("%d cases became %d", len(parsed.Cases), len(again.Cases))
		}
	})
}

func FuzzParseAbout(f *testing.F) {
	f.Add([]byte(about))
	f.Fuzz(func(t *testing.T, content []byte) {
		if about, err := record.ParseAbout(content); err == nil && about.Kind != record.KindRecord {
			t.Errorf("a file of the kind %q was accepted", about.Kind)
		}
	})
}

func FuzzMatches(f *testing.F) {
	f.Add("a=${any}; ${date}", "a=1; ")
	f.Fuzz(func(t *testing.T, template, text string) {
		record.Matches(template, text)
		if !strings.Contains(template, "${") && record.Matches(template, text) != (template == text) {
			t.Errorf("%q and %q", template, text)
		}
	})
}
