package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/cmd/testbed/target"
	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/cluster"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/suite"
)

func newRecord() *cobra.Command {
	var selection caseFlags
	var out string
	chosen := target.NewFlags()
	cmd := &cobra.Command{
		Use:   "record CASES",
		Short: "Record what an ingress controller answers",
		Long: "Sends the requests of the cases in a folder to an ingress controller and writes the cases with its answers to another\n" +
			"folder, which `testbed replay` compares other controllers with. Cases have the form of records without answers;\n" +
			"fixtures/record/README.md describes it. Without a setup.yaml they have the backends of the built-in record.",
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
			keepRecorded(whole, cases, skipped)
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

// addSetup gives a record without backends those of the built-in one.
func addSetup(whole *record.Record) (err error) {
	if whole.Setup == nil {
		whole.Setup, err = fs.ReadFile(records.IngressNginx(), record.SetupFile)
	}
	return err
}

// keepRecorded leaves out the cases that were not recorded.
func keepRecorded(whole *record.Record, recorded []*record.Case, skipped map[string]string) {
	names := map[string]bool{}
	for _, one := range recorded {
		names[one.Name] = skipped[one.Name] == ""
	}
	for i := range whole.Areas {
		whole.Areas[i].Cases = slices.DeleteFunc(whole.Areas[i].Cases, func(one record.Case) bool { return !names[one.Name] })
	}
	whole.Areas = slices.DeleteFunc(whole.Areas, func(area record.Area) bool { return len(area.Cases) == 0 })
}
