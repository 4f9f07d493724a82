// Command images packs a static binary into a container image, as an archive that clusters load.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/images"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var spec images.Spec
	var out string
	var ports []uint
	cmd := &cobra.Command{
		Use:   "images --binary FILE --name REGISTRY/NAME:TAG --out ARCHIVE",
		Short: "Pack a static binary into a container image",
		Args:  cobra.NoArgs,
		// Errors are printed by main, in one sentence.
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			if spec.Entrypoint == "" {
				spec.Entrypoint = "/" + filepath.Base(spec.Binary)
			}
			for _, port := range ports {
				if port == 0 || port > 65535 {
					return fmt.Errorf("the port %d is not between 1 and 65535", port)
				}
				spec.Ports = append(spec.Ports, uint16(port))
			}
			return images.Archive(spec, out)
		},
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	flags := cmd.Flags()
	flags.StringVar(&spec.Binary, "binary", "", "statically linked Linux executable")
	flags.StringVar(&spec.Name, "name", "", "name of the image, such as testbed.local/controller:dev")
	flags.StringVar(&out, "out", "", "archive to write, such as bin/images/controller.tar")
	flags.StringVar(&spec.Entrypoint, "entrypoint", "", "path of the executable in the image (default /FILE)")
	flags.StringArrayVar(&spec.Arguments, "argument", nil, "default argument; may be repeated")
	flags.StringVar(&spec.User, "user", "", "user that containers run as: a number or nonroot (default root)")
	flags.UintSliceVar(&ports, "port", nil, "TCP port that the image listens on; may be repeated")
	flags.StringToStringVar(&spec.Labels, "label", nil, "label of the image, KEY=VALUE; may be repeated")
	for _, name := range []string{"binary", "name", "out"} {
		cobra.CheckErr(cmd.MarkFlagRequired(name))
	}
	return cmd
}
