// Package suite runs feature files against a cluster: it checks them before anything is started, gets the cluster,
// runs the scenarios, and writes the reports whatever happened.
package suite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/scratch"
	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/recorder"
	"github.com/ingress-testbed/testbed/reports/results"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/objects"
)

// ErrInput is wrapped by errors about what the user gave: nothing was started.
var ErrInput = errors.New("nothing was run")

const (
	// cleanTimeout bounds the removal of what the run made.
	cleanTimeout = 2 * time.Minute
	// exportTimeout bounds the copy of the cluster's own logs.
	exportTimeout = 30 * time.Second
)

// Options say what to run, and where.
type Options struct {
	// Title of the reports.
	Title string
	// Files, Paths and Tags select the scenarios; see Selection.
	Files fs.FS
	Paths []string
	Tags  string

	// NewCluster gets the cluster. It is called once the scenarios were checked.
	NewCluster func(context.Context) (clusters.Cluster, error)
	// Disposable says that the cluster ends with the run, so that it needn't be cleaned.
	Disposable bool
	// Images are archives that are loaded into the cluster.
	Images []string
	// Controller renders the ingress controller under test; steps.TestbedController is the project's own.
	Controller steps.Render
	// Installed is the ingress controller under test where that is in the cluster already; its Objects are filled in. Then
	// Controller is not used.
	Installed *steps.Installed
	// Patience with the controller; the zero value has defaults.
	Patience steps.Patience
	// StoryNamespace is where stories take place: "default" if empty.
	StoryNamespace string
	// Prepare changes objects before they are applied; see objects.API.
	Prepare func(*unstructured.Unstructured)
	// Kubectl is the program to run and its first arguments; the one in PATH if it is empty.
	Kubectl []string

	// ReportDir is where reports and captures go.
	ReportDir string
	// Listeners are told of progress.
	Listeners []recorder.Listener
	// Progress is where people are told what is being waited for; nil tells nobody.
	Progress io.Writer
}

// Run runs the selected scenarios and returns what became of them. The error is ErrInput for what the user can mend,
// and otherwise of the run as a whole: a cluster that didn't start, or reports that couldn't be written. Whether the
// scenarios passed is the Run's verdict. When ctx ends, the running scenario is broken off, the others are skipped,
// and the reports are written all the same.
func Run(ctx context.Context, options Options) (results.Run, error) {
	words, err := steps.Suite{}.Vocabulary()
	if err != nil {
		return results.Run{}, err
	}
	plan, err := NewPlan(Selection{Files: options.Files, Paths: options.Paths, Tags: options.Tags}, words)
	if err != nil {
		return results.Run{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if options.Kubectl, err = kubectlOf(options.Kubectl); err != nil {
		return results.Run{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	for _, image := range options.Images {
		if _, err := os.Stat(image); err != nil {
			return results.Run{}, fmt.Errorf("%w: an image to load is missing: %w", ErrInput, err)
		}
	}
	if err := os.MkdirAll(options.ReportDir, 0o755); err != nil {
		return results.Run{}, fmt.Errorf("%w: preparing the folder for reports: %w", ErrInput, err)
	}
	if err := logsIn(options.ReportDir).removeStale(); err != nil {
		return results.Run{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	run := &run{Options: options, plan: plan, recorder: recorder.New(options.Title, options.Listeners...)}
	err = run.do(ctx)
	return run.recorder.Run(), err
}

func kubectlOf(given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	return kubectl.Find()
}

// run is one run under way.
type run struct {
	Options
	plan     *Plan
	recorder *recorder.Recorder
}

func (r *run) do(ctx context.Context) error {
	if err := scratch.Sweep(); err != nil {
		r.note("%s", err)
	}
	captures, err := scratch.Make("captures")
	if err != nil {
		return err
	}
	defer captures.Remove() //nolint:errcheck // the reports have their copies, and the next run removes what is left
	cluster, err := r.scenarios(ctx, captures.Path())
	if ctx.Err() != nil {
		r.recorder.Stop("the run was interrupted")
		if errors.Is(err, context.Cause(ctx)) {
			err = nil // it says the same again
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
	problems = append(problems, reports.Write(r.ReportDir, r.recorder.Run()))
	if cluster != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
		defer cancel()
		if err := cluster.Destroy(ending); err != nil {
			problems = append(problems, fmt.Errorf("ending the cluster: %w", err))
		}
	}
	return errors.Join(problems...)
}

// scenarios runs them. The cluster is returned where there is one, whatever else went wrong.
func (r *run) scenarios(ctx context.Context, captures string) (clusters.Cluster, error) {
	cluster, err := r.NewCluster(ctx)
	if err != nil {
		return nil, fmt.Errorf("getting a cluster: %w", err)
	}
	for _, image := range r.Images {
		r.note("loading the image %s", filepath.Base(image))
		if err := cluster.LoadImage(ctx, image); err != nil {
			return cluster, fmt.Errorf("loading the image %s: %w", image, err)
		}
	}
	api, err := objects.Connect(cluster.Kubeconfig())
	if err != nil {
		return cluster, err
	}
	api.Prepare = r.Prepare
	environment := &steps.Environment{
		Cluster: cluster,
		Objects: api,
		Kubectl: kubectl.Program{
			Command: r.Kubectl, Kubeconfig: cluster.Kubeconfig(), CacheDir: filepath.Join(captures, "kubectl-cache"),
		},
		Controller:     r.controller(api),
		Patience:       r.Patience,
		Features:       r.Files,
		ArtefactDir:    captures,
		Disposable:     r.Disposable,
		StoryNamespace: r.StoryNamespace,
		Note:           func(text string) { r.note("%s", text) },
	}
	facts, err := r.describe(ctx, environment)
	if err != nil {
		return cluster, err
	}
	err = r.godog(ctx, environment)
	for _, finding := range environment.Findings() {
		facts = append(facts, results.Fact{Name: "Note", Value: finding})
	}
	r.recorder.SetEnvironment(facts...)
	if err != nil {
		return cluster, err
	}
	// What was made is removed also after Ctrl-C.
	cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if err := environment.Clean(cleaning); err != nil {
		return cluster, fmt.Errorf("removing what the scenarios made: %w", err)
	}
	return cluster, nil
}

// godog runs the plan; the recorder has the results.
func (r *run) godog(ctx context.Context, environment *steps.Environment) error {
	suite := steps.Suite{Environment: environment, ScenariosIn: r.plan.ScenariosIn}
	var problem error
	options := r.plan.options()
	options.Format = r.recorder.Register("testbed-" + rand.Text())
	options.Output = io.Discard
	options.DefaultContext = ctx
	godog.TestSuite{
		Name:    r.Title,
		Options: options,
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			problem = errors.Join(problem, suite.Initialize(scenario)) //nolint:contextcheck // godog gives each step its context
			r.recorder.Observe(scenario)
		},
	}.Run()
	return problem
}

// controller is the one under test.
func (r *run) controller(api *objects.API) steps.IngressController {
	if r.Installed == nil {
		return &steps.Deployer{Objects: api, Render: r.Controller}
	}
	installed := *r.Installed
	installed.Objects = api
	return &installed
}

// describe tells the reports where the run takes place, and what is judged. What can't be judged is an error.
func (r *run) describe(ctx context.Context, environment *steps.Environment) ([]results.Fact, error) {
	facts := []results.Fact{{Name: "Cluster", Value: environment.Cluster.Name()}}
	version, err := environment.Objects.Clientset.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the cluster for its version: %w", err)
	}
	facts = append(facts, results.Fact{Name: "Kubernetes", Value: version.GitVersion})
	nodes, err := environment.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, node := range nodes {
		names = append(names, fmt.Sprintf("%s (%s)", node.Name, node.InternalIP))
	}
	facts = append(facts,
		results.Fact{Name: "Nodes", Value: strings.Join(names, ", ")},
		results.Fact{Name: "Client", Value: environment.Cluster.Client().Addr().String()})
	r.recorder.SetEnvironment(facts...)
	if !r.Disposable || r.Installed != nil { // a new cluster has nothing that could be in the way
		if err := environment.Controller.Check(ctx); err != nil {
			return nil, err
		}
	}
	facts = append(facts, results.Fact{Name: "Controller", Value: environment.Controller.Description()})
	r.recorder.SetEnvironment(facts...)
	return facts, nil
}

// exportLogs keeps the cluster's own logs if something failed.
func (r *run) exportLogs(ctx context.Context, cluster clusters.Cluster) error {
	finished := r.recorder.Run()
	if counts := finished.Count(); counts.Failed == 0 && finished.Problem == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTimeout)
	defer cancel()
	return logsIn(r.ReportDir).export(ctx, cluster)
}

func (r *run) note(format string, arguments ...any) {
	if r.Progress != nil {
		fmt.Fprintf(r.Progress, format+"\n", arguments...)
	}
}
