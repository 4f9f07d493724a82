package replaying

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/cluster"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// NewRecord returns the command testbed record.
func NewRecord() *cobra.Command {
	var selection caseFlags
	var out string
	chosen := target.NewFlags()
	cmd := &cobra.Command{
		Use:   "record CASES",
		Short: "Record what an ingress controller answers",
		Long: "Sends the requests of the cases in a folder to an ingress controller and writes the cases with its answers to another\n" +
			"folder, which `testbed replay` compares other controllers with. Cases are written like records, without answers;\n" +
			"fixtures/record/README.md describes the format. Without a setup.yaml the backends are those of the built-in record.",
		Example: "  testbed record my-cases --out my-record --cluster kubeconfig \\\n    --ingress-class nginx --controller-service ingress-nginx/ingress-nginx-controller",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return fmt.Errorf("%w: --out is missing: name the folder to write the record to", suite.ErrInput)
			}
			whole, err := readRecord(args)
			if err != nil {
				return err
			}
			cases, err := selection.selected(whole)
			if err != nil {
				return err
			}
			var skipped map[string]string
			err = onTarget(cmd, chosen, &selection, whole, func(ctx context.Context, environment *steps.Environment, controller *cluster.Target) (err error) {
				whole.About.Controller, whole.About.Recorded = environment.Controller.Description(), time.Now().UTC().Format(time.DateOnly)
				whole.Exceptions = nil
				skipped, err = replay.Record(ctx, cases, controller, replay.Options{Parallel: selection.parallel})
				return err
			})
			if err != nil {
				return err
			}
			whole.Keep(slices.DeleteFunc(slices.Clone(cases), func(one *record.Case) bool { return skipped[one.Name] != "" }))
			for _, name := range slices.Sorted(maps.Keys(skipped)) {
				fmt.Fprintf(cmd.ErrOrStderr(), "not recorded: %s: %s\n", name, skipped[name])
			}
			if err := whole.Write(out); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Recorded %d of %d cases in %s\n", len(cases)-len(skipped), len(cases), out)
			return nil
		},
	}
	chosen.Register(cmd)
	selection.register(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`folder` for the record")
	return cmd
}
