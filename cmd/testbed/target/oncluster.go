package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// destroyTimeout bounds the end of a cluster, and the deletion of what was made in it.
const destroyTimeout = 2 * time.Minute

// OnCluster gets the cluster that the flags choose, runs do, and removes the controller that do has deployed. disposable is
// whether the cluster ends with the command.
func (f *Flags) OnCluster(cmd *cobra.Command, do func(ctx context.Context, environment *steps.Environment, disposable bool) error) (err error) {
	source, options, err := f.Check(cmd)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // the next run removes temporary files that are left
	for _, image := range options.Images {
		if _, err := os.Stat(image); err != nil {
			return fmt.Errorf("%w: an image to load is missing: %w", suite.ErrInput, err)
		}
	}
	artefacts, err := tempdir.Make("replay")
	if err != nil {
		return err
	}
	defer artefacts.Remove() //nolint:errcheck // the next run removes leftovers
	options.Progress = cmd.ErrOrStderr()
	connected, environment, err := suite.Connect(cmd.Context(), options, artefacts.Path())
	if connected != nil {
		defer func() { err = errors.Join(err, destroy(cmd.Context(), connected)) }()
	}
	if err != nil {
		return err
	}
	if err := environment.Controller.Check(cmd.Context()); err != nil {
		return err
	}
	err = do(cmd.Context(), environment, options.Disposable)
	if options.Disposable {
		return err
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), destroyTimeout)
	defer cancel()
	return errors.Join(err, environment.Controller.Remove(ending))
}

func destroy(ctx context.Context, connected clusters.Cluster) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTimeout)
	defer cancel()
	if err := connected.Destroy(ctx); err != nil {
		return fmt.Errorf("destroying the cluster: %w", err)
	}
	return nil
}
