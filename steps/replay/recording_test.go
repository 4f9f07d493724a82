package replay_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// What is recorded of a controller is what it answers when the record is replayed, after it was written and read.
func TestAControllerAgreesWithItsOwnRecord(t *testing.T) {
	t.Parallel()
	whole, err := record.Read(records.IngressNginx())
	if err != nil {
		t.Fatal(err)
	}
	// A single answer that was drawn at random, as those of canaries are, doesn't come again.
	whole.Areas = slices.DeleteFunc(whole.Areas, func(area record.Area) bool { return area.Area == "canary" })
	whole.Exceptions = nil
	target, err := newInProcess(whole, compatibility.Mend)
	if err != nil {
		t.Fatal(err)
	}
	skipped, err := replay.Record(t.Context(), whole.Cases(), target, replay.Options{Parallel: 16})
	if err != nil {
		t.Fatal(err)
	}
	for name, reason := range skipped { // on a machine that is too busy for it
		if t.Logf("%s: %s", name, reason); !strings.Contains(reason, "too long to see a limit") {
			t.Errorf("%s was not recorded", name)
		}
	}
	whole.Keep(slices.DeleteFunc(whole.Cases(), func(one *record.Case) bool { return skipped[one.Name] != "" }))
	dir := t.TempDir()
	if err := whole.Write(dir); err != nil {
		t.Fatal(err)
	}
	again, err := record.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	areas, err := replay.Run(t.Context(), again, again.Cases(), target, replay.Options{Parallel: 16})
	if err != nil {
		t.Fatal(err)
	}
	report := agreement.Report{Areas: areas}
	if score := report.Score(); score.Checks < 500 || score.Agree != score.Checks {
		var text strings.Builder
		if err := report.WriteDisagreements(&text); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%d of %d checks agree:\n%s", score.Agree, score.Checks, text.String())
	}
}

// A record has placeholders instead of what differs from run to run, and nothing of the cluster.
func TestARecordIsGeneral(t *testing.T) {
	t.Parallel()
	whole, err := record.Read(records.IngressNginx())
	if err != nil {
		t.Fatal(err)
	}
	var wanted []*record.Case
	for _, one := range whole.Cases() {
		if one.Name == "aff3" || one.Name == "conflict-same-path" {
			wanted = append(wanted, one)
		}
	}
	target, err := newInProcess(whole, compatibility.Mend)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replay.Record(t.Context(), wanted, target, replay.Options{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range wanted {
		content, err := record.Encode(one.Requests[0].Answers)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			for _, part := range []string{"count", "Set-Cookie", " cookie", "x-request-id", "x-real-ip"} {
				if strings.Contains(line, part) {
					before, _, _ := strings.Cut(strings.TrimSpace(line), ";") // the attributes are the controller's
					got = append(got, before)
				}
			}
		}
		for name, decision := range one.Admission {
			if decision != record.Accepted {
				got = append(got, name+" "+string(decision))
			}
		}
	}
	want := []string{
		"- count: 1", "Set-Cookie: INGRESSCOOKIE=${any}",
		"x-real-ip: ${client address}", "x-request-id: ${32 hex digits}",
		"- count: 11", "cookie: INGRESSCOOKIE=${any}", "x-real-ip: ${client address}", "x-request-id: ${32 hex digits}",
		"x-real-ip: ${client address}", "x-request-id: ${32 hex digits}",
	}
	got = slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, "younger refused by the webhook") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if judge := wanted[0].Requests[0].Judge; judge != record.JudgeSequence {
		t.Errorf("answers with a cookie are judged by %q", judge)
	}
}
