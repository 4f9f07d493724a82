// Package suite runs feature files on a cluster: it checks them before a cluster is started, gets the cluster, runs the
// scenarios, and writes the reports, also after a failure.
package suite

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/profiles"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/definitions"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// ErrInput is wrapped by errors about the user's input, because of which nothing was started.
var ErrInput = errors.New("nothing was run")

const (
	// cleanTimeout bounds the deletion of what the run created, and that of the cluster.
	cleanTimeout = 2 * time.Minute
	// exportTimeout bounds the export of the cluster's own logs.
	exportTimeout = 30 * time.Second
)

// Options of a run.
type Options struct {
	// Title of the reports.
	Title string
	// Command that reproduces the run, for the reports; "" if there is none.
	Command string
	// Version of the test-bed, which is that of its controller.
	Version string
	// Files, Paths and Tags select the scenarios; see Selection.
	Files fs.FS
	Paths []string
	Tags  string
	// Repeat is how often each scenario runs; see Selection.
	Repeat int

	// NewCluster creates the cluster, or connects to an existing one. It is called after the scenarios have been checked.
	NewCluster func(context.Context) (clusters.Cluster, error)
	// Disposable is set if the cluster ends with the run, so that nothing needs to be deleted from it.
	Disposable bool
	// Images are archives to load into the cluster.
	Images []string
	// NewController returns the ingress controller under test. It is called once the cluster can be reached.
	NewController func(subject.Cluster) subject.Controller
	// NewFurther returns further ingress controllers, numbered from 1, so that scenarios with different settings run at the same time.
	// It is nil, or returns nil, if there can be none.
	NewFurther func(cluster subject.Cluster, number int) subject.Controller
	// WaitPolicy bounds the wait until the controller serves an Ingress; the zero value means the defaults.
	WaitPolicy subject.WaitPolicy
	// ArticleNamespace is the namespace of walkthroughs that replay an article: "default" if empty. It must exist.
	ArticleNamespace string
	// Prepare changes objects before they are applied; see objects.API.
	Prepare func(*unstructured.Unstructured)
	// Parallel is the most scenarios that run at the same time; 0 and 1 mean one after the other. Some run alone in any case;
	// see Plan.Claims.
	Parallel int
	// LoadScale is what the rates of load runs are multiplied by; 0 stands for 1.
	LoadScale float64
	// Kubectl is the program to run and its first arguments; the kubectl in PATH if empty.
	Kubectl []string

	// ReportDir is the folder for reports and captures.
	ReportDir string
	// Listeners receive the progress of the scenarios.
	Listeners []recorder.Listener
	// Progress is written a line for each long wait; nil for none.
	Progress io.Writer
}

// Run runs the selected scenarios and returns their results, whose verdict reports whether they passed. An error wraps
// ErrInput if the user can correct it; otherwise it is about the run as a whole, such as a cluster that didn't start, or
// reports that couldn't be written. When ctx ends, the running scenario is interrupted, the others are skipped, and the
// reports are written.
func Run(ctx context.Context, options Options) (results.Run, error) {
	known, err := definitions.Vocabulary()
	if err != nil {
		return results.Run{}, err
	}
	plan, err := NewPlan(Selection{Files: options.Files, Paths: options.Paths, Tags: options.Tags, Repeat: options.Repeat}, known)
	if err != nil {
		return results.Run{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	options.Files = plan.files // manifests are read beside their feature files
	if options.Kubectl, err = kubectlOr(options.Kubectl); err != nil {
		return results.Run{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	for _, image := range options.Images {
		if _, err := os.Stat(image); err != nil {
			return results.Run{}, fmt.Errorf("%w: an image to load is missing: %w", ErrInput, err)
		}
	}
	if err := os.MkdirAll(options.ReportDir, 0o755); err != nil {
		return results.Run{}, fmt.Errorf("%w: creating the folder for reports: %w", ErrInput, err)
	}
	if err := logsIn(options.ReportDir).removeStale(); err != nil {
		return results.Run{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	run := &run{options: options, plan: plan, recorder: recorder.New(options.Title, options.Listeners...)}
	err = run.do(ctx)
	return run.recorder.Run(), err
}

// kubectlOr returns the given program, or else the kubectl in PATH.
func kubectlOr(given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	return kubectl.Find()
}

// run is a run in progress.
type run struct {
	options  Options
	plan     *Plan
	recorder *recorder.Recorder
}

func (r *run) do(ctx context.Context) error {
	if err := tempdir.Sweep(); err != nil {
		r.options.note("%s", err)
	}
	captures, err := tempdir.Make("captures")
	if err != nil {
		return err
	}
	defer captures.Remove() //nolint:errcheck // the reports have copies, and the next run removes leftovers
	cluster, err := r.scenarios(ctx, captures.Path())
	if ctx.Err() != nil {
		r.recorder.Stop("the run was interrupted")
		if errors.Is(err, context.Cause(ctx)) {
			err = nil // already reported as the interruption
		}
	}
	if err != nil {
		r.recorder.Stop(err.Error())
	}
	r.recorder.Finish()
	problems := []error{err}
	if cluster != nil {
		problems = append(problems, r.exportLogs(ctx, cluster))
	}
	problems = append(problems, reports.Write(r.options.ReportDir, r.recorder.Run()))
	if cluster != nil {
		destroying, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
		defer cancel()
		if err := cluster.Destroy(destroying); err != nil {
			problems = append(problems, fmt.Errorf("destroying the cluster: %w", err))
		}
	}
	return errors.Join(problems...)
}

// scenarios gets the cluster and runs the scenarios on it. The cluster is returned if there is one, also with an error.
func (r *run) scenarios(ctx context.Context, captures string) (clusters.Cluster, error) {
	cluster, environment, err := Connect(ctx, r.options, captures)
	if err != nil {
		return cluster, err
	}
	properties, err := r.describe(ctx, environment)
	if err != nil {
		return cluster, err
	}
	further, err := r.further(ctx, environment)
	if err != nil {
		return cluster, err
	}
	bound, err := definitions.NewRun(environment, r.plan.ScenariosIn, further...)
	if err != nil {
		return cluster, err
	}
	r.godog(ctx, bound, append([]subject.Controller{environment.Controller}, further...))
	recorded := r.recorder.Run()
	for _, unsteady := range recorded.Unsteady() {
		properties = append(properties, results.Property{Name: "Unsteady", Value: unsteady})
	}
	for _, finding := range bound.Findings() {
		properties = append(properties, results.Property{Name: "Note", Value: finding})
	}
	r.recorder.SetEnvironment(properties...)
	return cluster, r.clean(ctx, bound)
}

// mostFurther bounds the further ingress controllers of a run. Each costs memory and a share of the processors.
const mostFurther = 3

// further returns the ingress controllers beside the environment's: at most one for each other scenario that runs at the same time.
// Each is deployed by the first scenario that uses it.
func (r *run) further(ctx context.Context, environment *steps.Environment) ([]subject.Controller, error) {
	var controllers []subject.Controller
	for number := range min(r.options.Parallel-1, mostFurther) {
		if r.options.NewFurther == nil {
			break
		}
		controller := r.options.NewFurther(clusterOf(r.options, environment), number+1)
		if controller == nil {
			break
		}
		if err := controller.Check(ctx); err != nil {
			return nil, err
		}
		controllers = append(controllers, controller)
	}
	return controllers, nil
}

// clean deletes what the scenarios created, also after an interruption, unless the cluster ends anyway.
func (r *run) clean(ctx context.Context, scenarios *definitions.Run) error {
	if r.options.Disposable {
		return nil
	}
	r.options.note("deleting what the scenarios created in the cluster")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if err := scenarios.Clean(ctx); err != nil {
		return fmt.Errorf("deleting what the scenarios created: %w", err)
	}
	return nil
}

// godog runs the plan; the recorder collects the results.
func (r *run) godog(ctx context.Context, scenarios *definitions.Run, controllers []subject.Controller) {
	options := r.plan.options()
	options.Format = r.recorder.Register("testbed-" + rand.Text())
	options.Output = io.Discard
	options.DefaultContext = ctx
	options.Concurrency = max(len(r.plan.Scenarios), 2) // all wait for their turns at the same time
	turns := newTurns(r.plan, controllers, r.options.Parallel)
	godog.TestSuite{
		Name:    r.options.Title,
		Options: options,
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			scenario.Before(turns.begin)
			r.recorder.ObserveStart(scenario)
			scenarios.Initialize(scenario)
			r.recorder.Observe(scenario)
			scenario.After(turns.end)
		},
	}.Run()
}

// describe records the properties of the cluster and the controller for the reports, and checks the controller.
func (r *run) describe(ctx context.Context, environment *steps.Environment) ([]results.Property, error) {
	var properties []results.Property
	if r.options.Command != "" {
		properties = append(properties, results.Property{Name: profiles.CommandProperty, Value: r.options.Command})
	}
	properties = append(properties, results.Property{Name: profiles.ClusterProperty, Value: environment.Cluster.Name()})
	version, err := environment.Objects.Workloads.Clientset.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("reading the version of the cluster: %w", err)
	}
	properties = append(properties, results.Property{Name: profiles.KubernetesProperty, Value: version.GitVersion})
	var names []string
	for _, node := range environment.Nodes {
		names = append(names, fmt.Sprintf("%s (%s)", node.Name, node.InternalIP))
	}
	properties = append(properties,
		results.Property{Name: "Nodes", Value: strings.Join(names, ", ")},
		results.Property{Name: "Client", Value: environment.Cluster.Client().Addr().String()})
	r.recorder.SetEnvironment(properties...)
	if err := environment.Controller.Check(ctx); err != nil {
		return nil, err
	}
	properties = append(properties,
		results.Property{Name: profiles.ControllerProperty, Value: environment.Controller.Description()},
		results.Property{Name: profiles.VersionProperty, Value: cmp.Or(environment.Controller.Version(), r.options.Version, "unknown")})
	r.recorder.SetEnvironment(properties...)
	return properties, nil
}

// exportLogs exports the cluster's own logs if something failed.
func (r *run) exportLogs(ctx context.Context, cluster clusters.Cluster) error {
	finished := r.recorder.Run()
	if counts := finished.Count(); counts.Failed == 0 && finished.Error == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTimeout)
	defer cancel()
	return logsIn(r.options.ReportDir).export(ctx, cluster)
}
