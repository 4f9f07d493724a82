package replay_test

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

var (
	onlyArea = flag.String("area", "", "replay the cases of these areas only, separated by commas") //nolint:gochecknoglobals // a flag
	onlyCase = flag.String("case", "", "replay these cases only, separated by commas")              //nolint:gochecknoglobals // a flag
)

// floorFile has the number of checks that agreed in a mode when it was last edited.
func floorFile(mode compatibility.Mode) string { return "testdata/agreement-" + mode.String() + ".txt" }

// TestAgreement replays the record of ingress-nginx against the controller and the proxy in this process, in both modes of
// the controller. It fails if less agrees than before. Print the agreement by area, and every disagreement, with:
//
//	go test ./steps/replay -run TestAgreement/ingress-nginx -v
//	go test ./steps/replay -run TestAgreement/ingress-nginx -v -area rewrite
//	go test ./steps/replay -run TestAgreement/mend -v -case auth-basic
func TestAgreement(t *testing.T) {
	t.Parallel()
	whole, err := record.Read(records.IngressNginx())
	if err != nil {
		t.Fatal(err)
	}
	cases := slices.DeleteFunc(whole.Cases(), func(one *record.Case) bool {
		return !selected(*onlyArea, one.Area) || !selected(*onlyCase, one.Name)
	})
	for _, mode := range []compatibility.Mode{compatibility.IngressNginx, compatibility.Mend} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			target, err := newInProcess(whole, mode)
			if err != nil {
				t.Fatal(err)
			}
			areas, err := replay.Run(t.Context(), whole, cases, target, replay.Options{Parallel: 16})
			if err != nil {
				t.Fatal(err)
			}
			report := agreement.Report{Areas: areas}
			logReport(t, report)
			if *onlyArea != "" || *onlyCase != "" {
				return
			}
			if agree, least := report.Score().Agree, floor(t, mode); agree < least {
				t.Errorf("%d checks agree with the record, fewer than the %d of %s", agree, least, floorFile(mode))
			}
		})
	}
}

// logReport prints what agrees, and what doesn't. Cases that couldn't be run fail the test.
func logReport(t *testing.T, report agreement.Report) {
	t.Helper()
	var text strings.Builder
	if err := report.WriteDisagreements(&text); err != nil {
		t.Fatal(err)
	}
	text.WriteByte('\n')
	if err := report.WriteSummary(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	for _, area := range report.Areas {
		for _, one := range area.Cases {
			if one.Problem != "" {
				t.Errorf("%s / %s: %s", area.Name, one.Name, one.Problem)
			}
		}
	}
}

func selected(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

func floor(t *testing.T, mode compatibility.Mode) int {
	t.Helper()
	content, err := os.ReadFile(floorFile(mode))
	if err != nil {
		t.Fatal(err)
	}
	least, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	return least
}
