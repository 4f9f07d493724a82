package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/inprocess"
	"github.com/ingress-testbed/testbed/steps/compare/journal"
	"github.com/ingress-testbed/testbed/steps/manifests"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// compareFlags are those of `testbed compare`.
type compareFlags struct {
	reference, class, settings string
	candidates                 []string
	parallel, perIngress       int
	output, failOn             string
	reports, resume            string
}

func (f *compareFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.reference, "reference", "testbed:ingress-nginx", "`controller` that the others are compared with")
	flags.StringSliceVar(&f.candidates, "candidate", []string{"testbed:mend"}, "`controllers` to compare: testbed:MODE is the test-bed's own, in process")
	flags.StringVar(&f.class, "class", "", "only Ingresses of this `class` (default all)")
	flags.StringVar(&f.settings, "settings", "ingress-nginx/ingress-nginx-controller", "`NAMESPACE/NAME` of the controller's ConfigMap among the objects")
	flags.IntVar(&f.parallel, "parallel", 32, "`number` of requests that are sent at the same time")
	flags.IntVar(&f.perIngress, "requests-per-ingress", 400, "most `requests` for one Ingress")
	flags.StringVarP(&f.output, "output", "o", "text", "`format` of the output: text or json")
	flags.StringVar(&f.reports, "reports", "reports/out/compare", "`folder` for the reports; \"\" for none")
	flags.StringVar(&f.resume, "resume", "", "`file` that remembers the results of requests: a run that was broken off continues from there")
	flags.StringVar(&f.failOn, "fail-on", "headers", "least `effect` of a difference with which the exit code is 1: protection-lost, another-backend, lost,\nredirected-differently, headers, cosmetic, or none for never")
}

func newCompare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare [flags] FILE|FOLDER|-…",
		Short: "Compare how two ingress controllers treat your Ingresses",
		Long: "Reads Ingresses and Services, derives requests from each host, path and annotation, sends them to a reference and to candidates, and\n" +
			"reports what differs for which Ingress, the gravest first. Applications, Secrets and authentication servers are stood in for.\n" +
			"Without flags the test-bed's own controller is compared with what ingress-nginx does, in this process, without a cluster.\n" +
			"The exit code is 0 if no difference is as grave as --fail-on says, 1 if one is, and 2 if nothing was sent.",
		Example: "  kubectl get ingress,service,configmap -A -o yaml | testbed compare -\n  testbed compare --class nginx --fail-on protection-lost manifests/",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		},
	}
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
	reference, candidates, err := f.targets()
	if err != nil {
		return err
	}
	e, err := f.read(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	progress := newRequestProgress(cmd.ErrOrStderr())
	options := compare.Options{
		Parallel: f.parallel, Limits: derive.Limits{PerIngress: f.perIngress}, Progress: progress.show, Causes: causes(reference, candidates),
	}
	if f.resume != "" {
		file, err := journal.Open(f.resume, key(e, reference, candidates))
		if err != nil {
			return fmt.Errorf("%w: %w", suite.ErrInput, err)
		}
		defer file.Close()
		options.Journal = file
		if known := file.Known(); known > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d requests have results in %s\n", known, f.resume)
		}
	}
	report, err := compare.Run(cmd.Context(), e, reference, candidates, options)
	progress.end()
	report.FailOn = failOn
	if err != nil {
		report.Problem = err.Error()
	}
	if err := errors.Join(err, f.write(cmd.OutOrStdout(), report)); err != nil {
		return err
	}
	if failOn != comparison.None && report.Gravest() >= failOn {
		return exitCode(1)
	}
	return nil
}

// parseEffect reads an effect with hyphens in place of blanks.
func parseEffect(text string) (comparison.Effect, error) {
	var effect comparison.Effect
	if err := effect.UnmarshalText([]byte(strings.ReplaceAll(text, "-", " "))); err != nil {
		return effect, fmt.Errorf("%w: invalid --fail-on: %w", suite.ErrInput, err)
	}
	return effect, nil
}

func (f *compareFlags) targets() (reference compare.Target, candidates []compare.Target, err error) {
	if reference, err = parseTarget(f.reference); err != nil {
		return nil, nil, err
	}
	for _, text := range f.candidates {
		candidate, err := parseTarget(text)
		if err != nil {
			return nil, nil, err
		}
		candidates = append(candidates, candidate)
	}
	return reference, candidates, nil
}

// parseTarget reads "testbed", or "testbed:MODE".
func parseTarget(text string) (compare.Target, error) {
	kind, mode, _ := strings.Cut(text, ":")
	if kind != "testbed" {
		return nil, fmt.Errorf("%w: unknown controller %q: give testbed:mend or testbed:ingress-nginx", suite.ErrInput, text)
	}
	target := &inprocess.Target{}
	if mode == "" {
		return target, nil
	}
	if err := target.Mode.Set(mode); err != nil {
		return nil, fmt.Errorf("%w: controller %q: %w", suite.ErrInput, text, err)
	}
	return target, nil
}

// causes are the differences between the modes of the test-bed's own controller, where it is compared with itself.
func causes(reference compare.Target, candidates []compare.Target) []compare.Cause {
	for _, target := range append([]compare.Target{reference}, candidates...) {
		if _, own := target.(*inprocess.Target); !own {
			return nil
		}
	}
	if own, _ := reference.(*inprocess.Target); own.Mode != compatibility.IngressNginx {
		return nil
	}
	return inprocess.Causes()
}

// read reads the objects. Those that can't be read are printed, and left out.
func (f *compareFlags) read(ctx context.Context, stdin io.Reader, warnings io.Writer, args []string) (*estate.Estate, error) {
	set, err := manifests.Read(ctx, stdin, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", suite.ErrInput, err)
	}
	if err := set.Err(); err != nil {
		fmt.Fprintf(warnings, "Left out:\n%v\n", err)
	}
	var objects []runtime.Object
	for _, object := range set.Objects {
		objects = append(objects, object.Typed)
	}
	options := estate.Options{Class: f.class}
	options.Settings.Namespace, options.Settings.Name, _ = strings.Cut(f.settings, "/")
	e := estate.New(objects, options)
	if len(e.Ingresses) == 0 {
		return nil, fmt.Errorf("%w: no Ingress to compare: the input has none, or none of the --class", suite.ErrInput)
	}
	return e, nil
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

// key stands for what is compared.
func key(e *estate.Estate, reference compare.Target, candidates []compare.Target) string {
	hash := sha256.New()
	encoder := json.NewEncoder(hash)
	for _, target := range append([]compare.Target{reference}, candidates...) {
		fmt.Fprintln(hash, target.Description())
	}
	for _, ingress := range e.Ingresses {
		encoder.Encode(ingress) //nolint:errcheck,errchkjson // a hash takes everything, and an Ingress was decoded from JSON
	}
	for _, name := range slices.SortedFunc(maps.Keys(e.Services), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }) {
		encoder.Encode(e.Services[name]) //nolint:errcheck,errchkjson // as above
	}
	encoder.Encode(e.Settings) //nolint:errcheck,errchkjson // as above
	return hex.EncodeToString(hash.Sum(nil))
}

// requestProgress shows how many requests are done and how long the rest takes, a few times a second on a terminal and else
// every ten seconds.
type requestProgress struct {
	w             io.Writer
	terminal      bool
	started, last time.Time
}

func newRequestProgress(w io.Writer) *requestProgress {
	file, ok := w.(*os.File)
	return &requestProgress{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (p *requestProgress) show(done, all int) {
	now, interval := time.Now(), 10*time.Second
	if p.terminal {
		interval = 200 * time.Millisecond
	}
	if p.started.IsZero() {
		p.started, p.last = now, now
	}
	if now.Sub(p.last) < interval || done == 0 {
		return
	}
	p.last = now
	rest := time.Duration(float64(now.Sub(p.started)) / float64(done) * float64(all-done)).Round(time.Second)
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%d of %d requests, %s left", done, all, rest)
	} else {
		fmt.Fprintf(p.w, "%d of %d requests, %s left\n", done, all, rest)
	}
}

func (p *requestProgress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
