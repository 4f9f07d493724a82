package explaining

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/steps/manifests"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// again explains the request whenever a file has changed, until the command is interrupted. What is wrong with the manifests
// is printed, and the next change awaited.
func (e *explanation) again(cmd *cobra.Command, request explain.Request) error {
	show := func() error {
		fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n", time.Now().Format(time.TimeOnly))
		err := e.once(cmd, request)
		if errors.Is(err, suite.ErrInput) {
			fmt.Fprintf(cmd.ErrOrStderr(), "testbed: %v\n", err)
			return nil
		}
		return err
	}
	return manifests.Watch(cmd.Context(), show, e.files...)
}
