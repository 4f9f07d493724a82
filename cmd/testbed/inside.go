package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/shell"
)

func newShell() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "shell [client|router|NODE] [-- COMMAND ARG...]",
		Short: "Open a shell on a machine of an embedded cluster, or run a command there",
		Long: "Opens a shell on a machine of a running embedded cluster, by default the node with the control plane.\n" +
			"kubectl and KUBECONFIG are ready there, and so is every program of this machine. It starts in the current\n" +
			"folder, unless that is below /run or /proc, which are different on each machine.",
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at > 1 {
				return fmt.Errorf("%q are several machines: name one before --", args[:at])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			running, err := embedded.Find(cmd.Context(), name)
			if err != nil {
				return err
			}
			machine, command := machineAndCommand(args, cmd.ArgsLenAtDash())
			if machine == "" {
				machine = running.Spec.Network.Nodes[0].Name
			}
			err = shell.Enter(running, machine, command)
			var code shell.ExitCode
			if errors.As(err, &code) {
				return exitCode(code)
			}
			return err
		},
	}
	addName(cmd, &name)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(cmd, fmt.Errorf("%w; options of a command to run go after --", err))
	})
	return cmd
}

// machineAndCommand splits the arguments of shell. dash is how many of them are before a --, or -1 without one.
// The machine is empty if none is named, and the command is empty for a shell.
func machineAndCommand(args []string, dash int) (machine string, command []string) {
	if dash == 0 || len(args) == 0 {
		return "", args
	}
	return args[0], args[1:]
}

func newKubectl() *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl [--name NAME] [--] ARG...",
		Short: "Run kubectl against an embedded cluster",
		// Every flag but a leading --name is kubectl's.
		DisableFlagParsing: true,
		Args: func(_ *cobra.Command, args []string) error {
			_, _, err := kubectlArguments(args)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, args, err := kubectlArguments(args)
			if err != nil {
				return err
			}
			running, err := embedded.Find(cmd.Context(), name)
			if err != nil {
				return err
			}
			inside := control.NewClient(running.PID)
			env := append(os.Environ(), "KUBECONFIG="+inside.Path(control.HostKubeconfig),
				"KUBECACHEDIR="+inside.Path(control.KubectlCache))
			return fmt.Errorf("running kubectl: %w",
				syscall.Exec(running.Spec.Kube, append([]string{"kubectl"}, args...), env))
		},
	}
}

// kubectlArguments splits the arguments of kubectl into the cluster's name, if they begin with it, and those for kubectl
// itself. A -- at the front is not for kubectl, which would take all that follows for no command and print its help.
func kubectlArguments(args []string) (name string, rest []string, err error) {
	name, rest = embedded.DefaultName, args
	if len(args) > 0 {
		if given, found := strings.CutPrefix(args[0], "--name="); found {
			name, rest = given, args[1:]
		}
		if args[0] == "--name" {
			if len(args) == 1 {
				return "", nil, errors.New("flag needs an argument: --name")
			}
			name, rest = args[1], args[2:]
		}
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	return name, rest, nil
}

func newKubeconfig() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig for an embedded cluster, for programs on this machine",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cluster, err := embedded.Connect(cmd.Context(), name)
			if err != nil {
				return err
			}
			raw, err := os.ReadFile(cluster.Kubeconfig())
			if err != nil {
				return fmt.Errorf("reading the cluster's kubeconfig: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		},
	}
	addName(cmd, &name)
	return cmd
}

func newLoad() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "load ARCHIVE...",
		Short: "Load images from tar archives (docker save, OCI layout) into an embedded cluster",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, archives []string) error {
			cluster, err := embedded.Connect(cmd.Context(), name)
			if err != nil {
				return err
			}
			nodes, err := cluster.Nodes(cmd.Context())
			if err != nil {
				return err
			}
			for _, archive := range archives {
				images, err := cluster.LoadImages(cmd.Context(), archive)
				if err != nil {
					return err
				}
				for _, img := range images {
					fmt.Fprintf(cmd.OutOrStdout(), "Loaded %s (%.1f MB) on %d nodes\n", img.Name, float64(img.Size)/1e6, len(nodes))
				}
			}
			return nil
		},
	}
	addName(cmd, &name)
	return cmd
}

func newCapture() *cobra.Command {
	var name, pod, node, link, file string
	cmd := &cobra.Command{
		Use:     "capture (--pod NAMESPACE/NAME | --node NODE [--interface IF]) --write FILE",
		Short:   "Capture packets in an embedded cluster until Ctrl-C",
		Example: "  testbed capture --pod ingress/ingress-nginx-controller-5b8b86dff5-5stvf --write - | tcpdump -nr -",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target := clusters.CaptureTarget{Node: node, Interface: link}
			if pod != "" {
				var found bool
				if target.Namespace, target.Pod, found = strings.Cut(pod, "/"); !found {
					target.Namespace, target.Pod = "default", pod
				}
			}
			cluster, err := embedded.Connect(cmd.Context(), name)
			if err != nil {
				return err
			}
			return captureTo(cmd.Context(), cluster, target, file)
		},
	}
	addName(cmd, &name)
	cmd.Flags().StringVar(&pod, "pod", "", "the `pod` whose link to listen on")
	cmd.Flags().StringVar(&node, "node", "", "the `node` to listen on")
	cmd.Flags().StringVar(&link, "interface", "", "the node's `interface` (default its link to the other nodes)")
	cmd.Flags().StringVarP(&file, "write", "w", "", "pcap `file` to write, - for standard output")
	cmd.MarkFlagRequired("write") //nolint:errcheck // the flag is there
	cmd.MarkFlagsOneRequired("pod", "node")
	cmd.MarkFlagsMutuallyExclusive("pod", "node")
	return cmd
}

func captureTo(ctx context.Context, cluster clusters.Cluster, target clusters.CaptureTarget, file string) error {
	// A reader such as tcpdump may end first.
	signal.Ignore(syscall.SIGPIPE)
	packets, err := cluster.Capture(ctx, target)
	if err != nil {
		return err
	}
	defer packets.Close()
	out := os.Stdout
	if file != "-" {
		if out, err = os.Create(file); err != nil {
			return fmt.Errorf("writing packets: %w", err)
		}
	}
	if _, err := io.Copy(out, packets); err != nil {
		return fmt.Errorf("writing packets: %w", err)
	}
	return out.Close()
}
