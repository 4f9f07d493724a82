package replay_test

import (
	"flag"
	"slices"
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

// TestAgreement replays the record of ingress-nginx against the controller and the proxy in this process, in both modes of
// the controller. In compatibility mode every check agrees but for the record's exceptions, which all disagree. By default every
// other disagreement is that of a difference in docs/compatibility.md, as controller/compatibility/recorded.yaml attributes
// them, and each of those checks disagrees. Print the agreement by area, and every disagreement, with:
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
			recorded, err := compatibility.Recorded()
			if err != nil {
				t.Fatal(err)
			}
			if mode == compatibility.IngressNginx {
				recorded = nil
			}
			areas, err := replay.Run(t.Context(), whole, cases, target, replay.Options{
				Parallel: 16, Deliberate: func(name, check string) string { return string(recorded[compatibility.Check{Case: name, Name: check}]) },
			})
			if err != nil {
				t.Fatal(err)
			}
			report := agreement.Report{Areas: areas}
			logReport(t, report)
			if *onlyArea != "" || *onlyCase != "" {
				return
			}
			if unexplained := report.Score().Unexplained(); unexplained > 0 {
				t.Errorf("%d checks disagree without a reason in controller/compatibility/recorded.yaml or in the record's exceptions", unexplained)
			}
			for check, difference := range agreeing(report) {
				if recorded[check] != "" {
					t.Errorf("%s: %s agrees with the record, though recorded.yaml lists it for %s", check.Case, check.Name, recorded[check])
				}
				if difference != "" && mode == compatibility.IngressNginx {
					t.Errorf("%s: %s agrees with the record, though it is an exception: %s", check.Case, check.Name, difference)
				}
				delete(recorded, check)
			}
			for check, difference := range recorded {
				if !compared(report, check) {
					t.Errorf("%s: recorded.yaml lists the check %q for %s, which the record doesn't have", check.Case, check.Name, difference)
				}
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

// agreeing are the checks that agree, each with the reason of its exception.
func agreeing(report agreement.Report) map[compatibility.Check]string {
	all := map[compatibility.Check]string{}
	eachCheck(report, func(name compatibility.Check, check agreement.Check) {
		if !check.Agrees() {
			return
		}
		all[name] = ""
		if check.Exception != nil {
			all[name] = check.Exception.Reason
		}
	})
	return all
}

// compared reports whether the report has a check.
func compared(report agreement.Report, wanted compatibility.Check) bool {
	found := false
	eachCheck(report, func(name compatibility.Check, _ agreement.Check) { found = found || name == wanted })
	return found
}

func eachCheck(report agreement.Report, do func(compatibility.Check, agreement.Check)) {
	for _, area := range report.Areas {
		for _, one := range area.Cases {
			for _, check := range one.Checks {
				do(compatibility.Check{Case: one.Name, Name: check.Name}, check)
			}
		}
	}
}
