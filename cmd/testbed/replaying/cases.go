package replaying

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/steps"
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
		"`NAMESPACE/NAME` of the ConfigMap of an existing controller, which some cases change temporarily (default none: these cases are skipped)")
	flags.StringVar(&f.compatibility, "compatibility", "", "`mode` of the test-bed's own controller: mend or ingress-nginx (default mend)")
}

// selected returns the cases of a record that the flags select.
func (f *caseFlags) selected(whole *record.Record) ([]*record.Case, error) {
	cases := whole.Select(f.areas, f.cases)
	if len(cases) == 0 {
		return nil, fmt.Errorf("%w: --area and --case select no case; the record has the areas %s",
			suite.ErrInput, strings.Join(whole.AreaNames(), ", "))
	}
	return cases, nil
}

// options returns those for the target; own is whether the controller is the test-bed's own.
func (f *caseFlags) options(own bool) (cluster.Options, error) {
	var options cluster.Options
	if f.configMap != "" {
		namespace, name, found := strings.Cut(f.configMap, "/")
		if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
			return options, fmt.Errorf("%w: invalid --controller-configmap %q: write it as NAMESPACE/NAME", suite.ErrInput, f.configMap)
		}
		options.ConfigMap = types.NamespacedName{Namespace: namespace, Name: name}
	}
	if f.compatibility != "" {
		if !own {
			return options, fmt.Errorf("%w: --compatibility is for the test-bed's own controller", suite.ErrInput)
		}
		options.Settings = map[string]string{"flag compatibility": f.compatibility}
	}
	return options, nil
}

// isDefault reports whether the controller is the test-bed's own, in its default mode.
func (f *caseFlags) isDefault(own bool) bool {
	return own && (f.compatibility == "" || f.compatibility == compatibility.Mend.String())
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
	targetOptions, err := selection.options(chosen.Own())
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

// addSetup gives a record without backends those of the built-in one.
func addSetup(whole *record.Record) (err error) {
	if whole.Setup == nil {
		whole.Setup, err = fs.ReadFile(records.IngressNginx(), record.SetupFile)
	}
	return err
}
