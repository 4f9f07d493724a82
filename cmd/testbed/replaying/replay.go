// Package replaying has the commands testbed replay and testbed record.
package replaying

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/cmd/testbed/progress"
	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/cluster"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// NewReplay returns the command testbed replay. exit makes an error that ends the process with a code.
func NewReplay(exit func(code int) error) *cobra.Command {
	var selection caseFlags
	var reportDir string
	var unexplained int
	chosen := target.NewFlags()
	cmd := &cobra.Command{
		Use:   "replay [RECORD]",
		Short: "Compare an ingress controller with the record of another one",
		Long: "Sends the requests of a record, by default that of ingress-nginx 1.15.1, to an ingress controller, and reports how far its\n" +
			"answers agree: index.html, junit.xml and agreement.json. A record is a folder; fixtures/record/README.md describes it.\n" +
			"Where the test-bed's own controller differs on purpose (docs/compatibility.md), the report says so.\n" +
			"The exit code is 0 if all checks agree or differ on purpose, except for at most --unexplained ones, 1 otherwise, and 2 if\n" +
			"nothing was sent.",
		Example: "  testbed replay\n  testbed replay --area rewrite,tls --compatibility ingress-nginx\n  testbed replay --controller traefik-nginx\n" +
			"  testbed replay --cluster kubeconfig --ingress-class traefik --controller-service traefik/traefik",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			whole, err := readRecord(args)
			if err != nil {
				return err
			}
			if whole.Unanswered() {
				return fmt.Errorf("%w: the cases have no answers yet: `testbed record` records them", suite.ErrInput)
			}
			cases, err := selection.selected(whole)
			if err != nil {
				return err
			}
			report := &agreement.Report{Title: "Replay", Record: whole.About.Controller + ", recorded " + whole.About.Recorded, Started: time.Now()}
			err = onTarget(cmd, chosen, &selection, whole, func(ctx context.Context, environment *steps.Environment, controller *cluster.Target) (err error) {
				report.Controller, report.Facts = environment.Controller.Description(), facts(environment, chosen, &selection)
				shown := caseProgress{line: progress.NewLine(cmd.ErrOrStderr())}
				options := replay.Options{Parallel: selection.parallel, Progress: shown.show}
				if len(args) == 0 && selection.isDefault(chosen.Own()) {
					if report.Deliberate, options.Deliberate, err = deliberate(); err != nil {
						return err
					}
				}
				report.Areas, err = replay.Run(ctx, whole, cases, controller, options)
				shown.line.End()
				return err
			})
			if errors.Is(err, suite.ErrInput) {
				return err
			}
			report.Seconds = time.Since(report.Started).Seconds()
			if err != nil {
				report.Problem = err.Error()
			}
			if err := errors.Join(err, reports.WriteAgreement(reportDir, report)); err != nil {
				return err
			}
			failure, err := summarize(cmd.OutOrStdout(), report, reportDir, unexplained)
			if err == nil && failure {
				return exit(1)
			}
			return err
		},
	}
	chosen.Register(cmd)
	selection.register(cmd)
	cmd.Flags().StringVar(&reportDir, "reports", "reports/out/replay", "`folder` for the reports")
	cmd.Flags().IntVar(&unexplained, "unexplained", 0, "`number` of checks that may disagree without being different on purpose")
	return cmd
}

// summarize prints what came of a replay, and reports whether more checks than those unexplained disagree.
func summarize(out io.Writer, report *agreement.Report, reportDir string, unexplained int) (failure bool, err error) {
	if err := report.WriteSummary(out); err != nil {
		return false, err
	}
	fmt.Fprintf(out, "\nReport: %s\n", filepath.Join(reportDir, reports.HTMLFile))
	text := report.Score().Failure(unexplained)
	if text != "" {
		fmt.Fprintln(out, text)
	}
	return text != "", nil
}

func facts(environment *steps.Environment, chosen *target.Flags, selection *caseFlags) []agreement.Fact {
	all := []agreement.Fact{{Name: "Cluster", Value: environment.Cluster.Name()}}
	if chosen.Own() {
		mode := cmp.Or(selection.compatibility, compatibility.Mend.String())
		all = append(all, agreement.Fact{Name: "Compatibility", Value: mode})
	}
	if version, err := environment.Objects.Workloads.Clientset.Discovery().ServerVersion(); err == nil {
		all = append(all, agreement.Fact{Name: "Kubernetes", Value: version.GitVersion})
	}
	return all
}

// deliberate returns the differences of the test-bed's own controller from ingress-nginx, and the one of each check.
func deliberate() ([]agreement.Deliberate, func(name, check string) string, error) {
	recorded, err := compatibility.Recorded()
	if err != nil {
		return nil, nil, err
	}
	var all []agreement.Deliberate
	for _, row := range compatibility.Rows() {
		all = append(all, agreement.Deliberate{Name: string(row.Difference), Recorded: row.Theirs, Observed: row.Ours, Reason: row.Why})
	}
	return all, func(name, check string) string { return string(recorded[compatibility.Check{Case: name, Name: check}]) }, nil
}

// caseProgress shows how many cases are done: in one line on a terminal, and otherwise in a line for every tenth.
type caseProgress struct{ line progress.Line }

func (p *caseProgress) show(done, all int, result agreement.Case) {
	switch {
	case p.line.Replaces:
		p.line.Show(fmt.Sprintf("%d of %d cases: %s", done, all, result.Name))
	case done%10 == 0 || done == all:
		p.line.Show(fmt.Sprintf("%d of %d cases", done, all))
	}
}
