package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/agreement"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/cluster"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// closeTimeout bounds the deletion of what was made in the cluster.
const closeTimeout = 2 * time.Minute

// caseFlags select the cases of a record and say how they are run.
type caseFlags struct {
	areas, cases  []string
	parallel      int
	configMap     string
	compatibility string
}

func (f *caseFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.areas, "area", nil, "only the cases of these `areas`")
	flags.StringSliceVar(&f.cases, "case", nil, "only these `cases`")
	flags.IntVar(&f.parallel, "parallel", 8, "`number` of cases that run at the same time")
	flags.StringVar(&f.configMap, "controller-configmap", "",
		"`NAMESPACE/NAME` of the ConfigMap of an existing controller, which some cases change for their time (default none: they are skipped)")
	flags.StringVar(&f.compatibility, "compatibility", "", "`mode` of the test-bed's own controller: mend or ingress-nginx (default mend)")
}

// selected returns the cases of a record that the flags select.
func (f *caseFlags) selected(whole *record.Record) ([]*record.Case, error) {
	cases := slices.DeleteFunc(whole.Cases(), func(one *record.Case) bool {
		return len(f.areas) > 0 && !slices.Contains(f.areas, one.Area) || len(f.cases) > 0 && !slices.Contains(f.cases, one.Name)
	})
	if len(cases) == 0 {
		var areas []string
		for _, area := range whole.Areas {
			areas = append(areas, area.Area)
		}
		return nil, fmt.Errorf("%w: --area and --case select no case; the record has the areas %s", suite.ErrInput, strings.Join(areas, ", "))
	}
	return cases, nil
}

// options for the target; existing reports whether the controller exists already.
func (f *caseFlags) options(existing bool) (cluster.Options, error) {
	var options cluster.Options
	if f.configMap != "" {
		namespace, name, found := strings.Cut(f.configMap, "/")
		if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
			return options, fmt.Errorf("%w: invalid --controller-configmap %q: write it as NAMESPACE/NAME", suite.ErrInput, f.configMap)
		}
		options.ConfigMap = types.NamespacedName{Namespace: namespace, Name: name}
	}
	if f.compatibility != "" {
		if existing {
			return options, fmt.Errorf("%w: --compatibility is for the test-bed's own controller, not for an existing one", suite.ErrInput)
		}
		options.Settings = map[string]string{"flag compatibility": f.compatibility}
	}
	return options, nil
}

// mends reports whether the controller is the test-bed's own, in its default mode.
func (f *caseFlags) mends(existing bool) bool {
	return !existing && (f.compatibility == "" || f.compatibility == compatibility.Mend.String())
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

func newReplay() *cobra.Command {
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
			"The exit code is 0 if everything agrees or differs on purpose, but for as many checks as --unexplained says, 1 if not,\n" +
			"and 2 if nothing was sent.",
		Example: "  testbed replay\n  testbed replay --area rewrite,tls --compatibility ingress-nginx\n" +
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
				report.Controller, report.Facts = environment.Controller.Description(), facts(environment)
				if !chosen.Existing() {
					report.Facts = append(report.Facts, agreement.Fact{
						Name: "Compatibility", Value: cmp.Or(selection.compatibility, compatibility.Mend.String()),
					})
				}
				progress := newCaseProgress(cmd.ErrOrStderr())
				options := replay.Options{Parallel: selection.parallel, Progress: progress.show}
				if len(args) == 0 && selection.mends(chosen.Existing()) {
					if report.Deliberate, options.Deliberate, err = deliberate(); err != nil {
						return err
					}
				}
				report.Areas, err = replay.Run(ctx, whole, cases, controller, options)
				progress.end()
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
			return summarize(cmd.OutOrStdout(), report, reportDir, unexplained)
		},
	}
	chosen.Register(cmd)
	selection.register(cmd)
	cmd.Flags().StringVar(&reportDir, "reports", "reports/out/replay", "`folder` for the reports")
	cmd.Flags().IntVar(&unexplained, "unexplained", 0, "`number` of checks that may disagree without being different on purpose")
	return cmd
}

// readRecord reads the record in a folder, or the one that is built in.
func readRecord(args []string) (*record.Record, error) {
	files := records.IngressNginx()
	if len(args) > 0 {
		files = os.DirFS(args[0])
	}
	whole, err := record.Read(files)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	return whole, addSetup(whole)
}

// onTarget gets the cluster, deploys the record's backends and the controller, runs do, and removes what was made.
func onTarget(cmd *cobra.Command, chosen *target.Flags, selection *caseFlags, whole *record.Record,
	do func(context.Context, *steps.Environment, *cluster.Target) error) (err error) {
	targetOptions, err := selection.options(chosen.Existing())
	if err != nil {
		return err
	}
	return chosen.OnCluster(cmd, func(ctx context.Context, environment *steps.Environment, disposable bool) error {
		controller, err := cluster.Start(ctx, environment, whole, targetOptions)
		if err != nil {
			return err
		}
		err = do(ctx, environment, controller)
		if disposable {
			return err
		}
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		return errors.Join(err, controller.Close(ending))
	})
}

func facts(environment *steps.Environment) []agreement.Fact {
	all := []agreement.Fact{{Name: "Cluster", Value: environment.Cluster.Name()}}
	if version, err := environment.Objects.Clientset.Discovery().ServerVersion(); err == nil {
		all = append(all, agreement.Fact{Name: "Kubernetes", Value: version.GitVersion})
	}
	return all
}

// summarize prints the agreement and returns the exit code.
func summarize(w io.Writer, report *agreement.Report, reportDir string, unexplained int) error {
	if err := report.WriteSummary(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nReport: %s\n", filepath.Join(reportDir, reports.HTMLFile))
	score := report.Score()
	switch {
	case score.Checks == 0:
		fmt.Fprintln(w, "Nothing was compared.")
		return exitCode(1)
	case score.Unexplained() > unexplained:
		fmt.Fprintf(w, "%d checks disagree, and not on purpose.\n", score.Unexplained())
		return exitCode(1)
	}
	return nil
}

// caseProgress shows how many cases are done: in one line on a terminal, and else in a line for every tenth.
type caseProgress struct {
	w        io.Writer
	terminal bool
}

func newCaseProgress(w io.Writer) *caseProgress {
	file, ok := w.(*os.File)
	return &caseProgress{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *caseProgress) show(done, all int, result agreement.Case) {
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%d of %d cases: %s", done, all, result.Name)
	case done%10 == 0 || done == all:
		fmt.Fprintf(p.w, "%d of %d cases\n", done, all)
	}
}

func (p *caseProgress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
