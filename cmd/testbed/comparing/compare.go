// Package comparing is the command testbed compare.
package comparing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/journal"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// compareFlags are those of `testbed compare`.
type compareFlags struct {
	reference, class, settings string
	candidates                 []string
	parallel, perIngress       int
	output, failOn             string
	reports, resume            string
	fromContext, fromConfig    string
	compatibility              string
	chosen                     *target.Flags
	exit                       func(code int) error
}

func (f *compareFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.reference, "reference", "testbed:ingress-nginx", "`controller` that the others are compared with")
	flags.StringSliceVar(&f.candidates, "candidate", []string{"testbed:mend"}, "`controllers` to compare: testbed:MODE is the test-bed's own, in process; cluster is the one on the cluster that\n--cluster, --name, --ingress-class and --controller-service choose; traefik@v3.7 and others are deployed there (docs/recipes.md)")
	flags.StringVar(&f.compatibility, "compatibility", "", "`mode` of the test-bed's own controller on the cluster: mend or ingress-nginx (default mend)")
	flags.StringVar(&f.fromContext, "from-context", "", "read the objects from the cluster of this `context` instead of files; . is the current one. Secrets are never read")
	flags.StringVar(&f.fromConfig, "from-kubeconfig", "", "kubeconfig `file` of that context (default KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.class, "class", "", "only Ingresses of this `class` (default all)")
	flags.StringVar(&f.settings, "settings", "ingress-nginx/ingress-nginx-controller", "`NAMESPACE/NAME` of the controller's ConfigMap among the objects")
	flags.IntVar(&f.parallel, "parallel", 32, "`number` of requests that are sent at the same time")
	flags.IntVar(&f.perIngress, "requests-per-ingress", 400, "most `requests` for one Ingress")
	flags.StringVarP(&f.output, "output", "o", "text", "`format` of the output: text or json")
	flags.StringVar(&f.reports, "reports", "reports/out/compare", "`folder` for the reports; \"\" for none")
	flags.StringVar(&f.resume, "resume", "", "`file` that remembers the results of requests: a run that was broken off continues from there")
	flags.StringVar(&f.failOn, "fail-on", "headers", "least `effect` of a difference with which the exit code is 1: protection-lost, another-backend, route-lost,\nredirected-differently, headers, cosmetic, or none for never")
}

// New returns the command. exit makes an error that ends the process with a code.
func New(exit func(code int) error) *cobra.Command {
	f := compareFlags{chosen: target.NewFlags(), exit: exit}
	cmd := &cobra.Command{
		Use:   "compare [flags] FILE|FOLDER|-…",
		Short: "Compare how two ingress controllers treat your Ingresses",
		Long: "Reads Ingresses and Services, derives requests from each host, path and annotation, sends them to a reference and to candidates, and\n" +
			"reports which Ingresses behave differently, the most serious differences first. Stand-ins replace applications, Secrets and\n" +
			"authentication servers. Without flags the test-bed's own controller is compared with its reproduction of ingress-nginx, in this\n" +
			"process and without a cluster.\n" +
			"The exit code is 0 if no difference is as serious as --fail-on, 1 if one is, and 2 if nothing was sent.",
		Example: "  kubectl get ingress,service,configmap -A -o yaml | testbed compare -\n  testbed compare --class nginx --fail-on protection-lost manifests/\n" +
			"  testbed compare --from-context prod --candidate cluster --cluster kubeconfig --context test \\\n    --ingress-class traefik --controller-service traefik/traefik",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		},
	}
	f.chosen.Register(cmd)
	f.register(cmd)
	return cmd
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	failOn, err := parseEffect(f.failOn)
	if err != nil {
		return err
	}
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("%w: invalid --output %q: give text or json", suite.ErrInput, f.output)
	}
	if (len(args) == 0) == (f.fromContext == "") {
		return fmt.Errorf("%w: give either files or --from-context", suite.ErrInput)
	}
	if err := f.checkTargets(); err != nil {
		return err
	}
	e, err := f.read(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(append([]string{f.reference}, f.candidates...), isOnCluster) {
		return f.compare(cmd, e, failOn, nil)
	}
	return f.chosen.OnCluster(cmd, func(_ context.Context, environment *steps.Environment, _ bool) error {
		return f.compare(cmd, e, failOn, environment)
	})
}

// compare sends the requests and writes the reports; environment is nil without a cluster.
func (f *compareFlags) compare(cmd *cobra.Command, e *estate.Estate, failOn effect.Effect, environment *steps.Environment) error {
	reference := f.target(f.reference, environment)
	var candidates []compare.Target
	for _, text := range f.candidates {
		candidates = append(candidates, f.target(text, environment))
	}
	shown := newRequestProgress(cmd.ErrOrStderr())
	options := compare.Options{
		Parallel: f.parallel, Limits: derive.Limits{PerIngress: f.perIngress}, Progress: shown.show, Causes: causes(reference, candidates),
	}
	if f.resume != "" {
		file, err := journal.Open(f.resume, key(e, reference, candidates))
		if err != nil {
			return fmt.Errorf("%w: %w", suite.ErrInput, err)
		}
		defer file.Close() //nolint:errcheck // each result was written
		options.Journal = file
		if known := file.Known(); known > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d requests have results in %s\n", known, f.resume)
		}
	}
	report, err := compare.Run(cmd.Context(), e, reference, candidates, options)
	shown.line.End()
	report.FailOn = failOn
	if err != nil {
		report.Problem = err.Error()
	}
	if err := errors.Join(err, f.write(cmd.OutOrStdout(), report)); err != nil {
		return err
	}
	if failOn != effect.None && report.Gravest() >= failOn {
		return f.exit(1)
	}
	return nil
}

// parseEffect reads an effect with hyphens in place of blanks.
func parseEffect(text string) (effect.Effect, error) {
	var least effect.Effect
	if err := least.UnmarshalText([]byte(strings.ReplaceAll(text, "-", " "))); err != nil {
		return least, fmt.Errorf("%w: invalid --fail-on: %w", suite.ErrInput, err)
	}
	return least, nil
}

func (f *compareFlags) write(w io.Writer, report *comparison.Report) error {
	if f.reports != "" {
		if err := reports.WriteComparison(f.reports, report); err != nil {
			return err
		}
	}
	if f.output == "json" {
		return report.WriteJSON(w)
	}
	const most = 10
	if err := report.WriteText(w, most); err != nil {
		return err
	}
	if f.reports != "" {
		fmt.Fprintf(w, "Report: %s\n", filepath.Join(f.reports, reports.HTMLFile))
	}
	return nil
}
