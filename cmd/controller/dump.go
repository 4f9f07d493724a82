package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/controller/app"
	"github.com/ingress-testbed/testbed/controller/configdump"
)

const dumpWithin = 10 * time.Second

func dumpCommand() *cobra.Command {
	var output string
	var port int
	command := &cobra.Command{
		Use:   "dump",
		Short: "Print the routing table that the controller on this machine serves now",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("--output %q: give text or json", output)
			}
			ctx, cancel := context.WithTimeout(command.Context(), dumpWithin)
			defer cancel()
			table, err := configdump.Fetch(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				return fmt.Errorf("%w; is the controller running, with --status-port %d?", err, port)
			}
			if output == "text" {
				return table.WriteText(command.OutOrStdout())
			}
			encoder := json.NewEncoder(command.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(table)
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	command.Flags().IntVar(&port, "status-port", app.Defaults().StatusPort, "the controller's --status-port")
	return command
}
