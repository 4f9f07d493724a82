package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/fixtures/images"
)

func newBuildImage() *cobra.Command {
	var spec images.Spec
	var out string
	var ports []uint
	cmd := &cobra.Command{
		Use:   "build-image BINARY --name REGISTRY/NAME:TAG",
		Short: "Pack a static binary into an image archive, without Docker",
		Long: "Packs a statically linked Linux program into a container image, with a /tmp and the users root and nonroot, and\n" +
			"writes an archive that clusters and container engines load.",
		Example: "  CGO_ENABLED=0 go build -o web . && testbed build-image web --name testbed.local/web:dev && testbed load web.tar",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Binary = args[0]
			base := filepath.Base(spec.Binary)
			if spec.Entrypoint == "" {
				spec.Entrypoint = "/" + base
			}
			if out == "" {
				out = base + ".tar"
			}
			for _, port := range ports {
				if port == 0 || port > 65535 {
					return fmt.Errorf("the port %d is not between 1 and 65535", port)
				}
				spec.Ports = append(spec.Ports, uint16(port))
			}
			if err := images.Archive(spec, out); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s to %s\n", spec.Name, out)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&spec.Name, "name", "", "`name` of the image, such as testbed.local/web:dev")
	flags.StringVarP(&out, "out", "o", "", "`archive` to write (default BINARY.tar in the current folder)")
	flags.StringVar(&spec.Entrypoint, "entrypoint", "", "`path` of the program in the image (default /BINARY)")
	flags.StringArrayVar(&spec.Arguments, "argument", nil, "default `argument`; may be repeated")
	flags.StringVar(&spec.User, "user", "", "`user` that containers run as: a number or nonroot (default root)")
	flags.UintSliceVar(&ports, "port", nil, "TCP `port` that the image listens on; may be repeated")
	flags.StringToStringVar(&spec.Labels, "label", nil, "label of the image, `KEY=VALUE`; may be repeated")
	cmd.MarkFlagRequired("name") //nolint:errcheck // the flag is there
	return cmd
}
