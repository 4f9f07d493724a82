package controller_test

import (
	"bytes"
	"flag"
	"strings"
	"testing"

	"k8s.io/klog/v2"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/decision"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// logged returns the log of outcomes, at a verbosity.
func logged(t *testing.T, verbosity string, outcomes ...controller.Outcome) string {
	t.Helper()
	state := klog.CaptureState()
	defer state.Restore()
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"v": verbosity, "logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true"} {
		if err := flags.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	klog.SetOutput(&out)
	log := &controller.Log{}
	for _, outcome := range outcomes {
		log.Observe(outcome)
	}
	klog.Flush()
	return out.String()
}

func TestLog(t *testing.T) {
	found := problem.Problem{
		Severity: problem.Error, Reason: problem.Conflict, Message: "it is taken",
		Object: problem.Object{Kind: "Ingress", Namespace: "default", Name: "late"},
	}
	with := controller.Outcome{Applied: true, Result: translate.Result{
		Table: &route.Table{}, Problems: []problem.Problem{found},
		Decisions: []decision.Decision{decision.UpstreamCreated{Upstream: "default-web-80"}},
	}}
	same := with
	same.Applied = false
	without := controller.Outcome{Applied: true, Result: translate.Result{Table: &route.Table{}}}

	const decision, table, trouble, solved = `Creating upstream "default-web-80"`, "Serving a new table",
		"error Conflict Ingress default/late: it is taken", "Problem solved"
	for verbosity, want := range map[string]map[string]int{
		"0": {decision: 0, table: 0, trouble: 1, solved: 0},
		"2": {decision: 0, table: 2, trouble: 2, solved: 1},
		"3": {decision: 1, table: 2, trouble: 2, solved: 1},
	} {
		got := logged(t, verbosity, with, same, without)
		for text, count := range want {
			if strings.Count(got, text) != count {
				t.Errorf("--v=%s: %q is there %d times, want %d:\n%s", verbosity, text, strings.Count(got, text), count, got)
			}
		}
	}
}
