package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters/embedded"
)

// clusterFlags are the settings of a new embedded cluster.
type clusterFlags struct {
	name, config, version, logs string
	workers                     int
	workersGiven                func() bool
	apiPort                     uint16
}

func (f *clusterFlags) register(cmd *cobra.Command) {
	addName(cmd, &f.name)
	f.registerSettings(cmd)
}

// registerSettings adds all flags but the name.
func (f *clusterFlags) registerSettings(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "YAML file with the cluster's addresses and nodes (docs/embedded-cluster.md)")
	flags.StringVar(&f.version, "kubernetes-version", os.Getenv("K8S_VERSION"), "Kubernetes `version`, as 1.37 or v1.37.2 (default the newest built)")
	flags.StringVar(&f.logs, "logs", "", "`folder` for logs (default in the user's cache)")
	flags.IntVar(&f.workers, "workers", 3, "number of nodes beside the one with the control plane")
	f.workersGiven = func() bool { return flags.Changed("workers") }
	flags.Uint16Var(&f.apiPort, "api-port", 0, "loopback port for the API server (default any free one)")
}

func (f *clusterFlags) embedded(progress io.Writer) (embedded.Config, error) {
	var config embedded.Config
	if f.config != "" {
		var err error
		if config, err = embedded.ReadConfig(f.config); err != nil {
			return config, err
		}
	}
	if config.Name == "" || f.name != "" {
		config.Name = f.name
	}
	if f.version != "" {
		config.KubernetesVersion = f.version
	}
	if f.apiPort != 0 {
		config.APIPort = f.apiPort
	}
	switch {
	case f.workers < 0 || f.workers > 99:
		return config, fmt.Errorf("--workers %d: a cluster has 0 to 99", f.workers)
	case f.workersGiven() && len(config.Network.Nodes) > 0:
		return config, fmt.Errorf("--workers: %s names the nodes already", f.config)
	case f.workersGiven():
		config.Network = config.Network.WithWorkers(f.workers)
	}
	config.Logs, config.Progress = f.logs, progress
	return config, nil
}

// checked is the configuration of a cluster that could be made.
func (f *clusterFlags) checked(ctx context.Context, progress io.Writer) (embedded.Config, error) {
	config, err := f.embedded(progress)
	if err != nil {
		return config, err
	}
	if config, err = config.WithDefaults(); err != nil {
		return config, err
	}
	return config, config.Check(ctx)
}

func newUp() *cobra.Command {
	var flags clusterFlags
	var foreground bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start an embedded cluster that stays until `testbed down`",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if foreground {
				return keepCluster(cmd.Context(), flags, cmd.OutOrStdout())
			}
			return startInBackground(cmd.Context(), flags)
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&foreground, "foreground", false, "stay in the foreground; Ctrl-C ends the cluster")
	return cmd
}

// keepCluster makes a cluster and keeps it until ctx is done.
func keepCluster(ctx context.Context, flags clusterFlags, out io.Writer) error {
	config, err := flags.checked(ctx, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Starting cluster %q (about 10 s)\n", config.Name)
	start := time.Now()
	cluster, err := embedded.Create(ctx, config)
	if err != nil {
		return err
	}
	defer cluster.Destroy(ctx) //nolint:errcheck // it has none to give
	fmt.Fprintf(out, "Cluster %q runs Kubernetes %s, after %.1f s\n", cluster.Name(), cluster.Version(), time.Since(start).Seconds())
	printHints(out, cluster.Name())
	if os.Getenv(backgroundVariable) != "" {
		if err := letGoOfOutput(); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-cluster.Ended():
		return fmt.Errorf("cluster %q ended: %w", cluster.Name(), cluster.Err())
	}
}

func printHints(out io.Writer, name string) {
	option := ""
	if name != embedded.DefaultName {
		option = " --name " + name
	}
	fmt.Fprintf(out, `
  testbed kubectl%[1]s get nodes      talk to it
  testbed shell%[1]s client           a shell on the machine outside, or on a node
  testbed kubeconfig%[1]s             a kubeconfig for other programs on this machine
  testbed down%[1]s                   end it
`, option)
}

// letGoOfOutput points standard output and error to nowhere. Whoever started us waits for that, and then leaves.
func letGoOfOutput() error {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("letting go of the terminal: %w", err)
	}
	defer nowhere.Close()
	for _, stream := range []*os.File{os.Stdout, os.Stderr} {
		if err := syscall.Dup3(int(nowhere.Fd()), int(stream.Fd()), 0); err != nil {
			return fmt.Errorf("letting go of the terminal: %w", err)
		}
	}
	return nil
}

// backgroundVariable tells a child that it is to let go of its output when the cluster is ready.
const backgroundVariable = "TESTBED_BACKGROUND"

// startInBackground runs this command again in a session of its own and shows its progress until the cluster is ready.
func startInBackground(ctx context.Context, flags clusterFlags) error {
	config, err := flags.checked(ctx, io.Discard)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the running program: %w", err)
	}
	child := exec.Command(self, append(os.Args[1:], "--foreground")...)
	child.Env = append(os.Environ(), backgroundVariable+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := child.StdoutPipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	complaints, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer complaints.Close()
	child.Stderr = theirs
	err = child.Start()
	theirs.Close()
	if err != nil {
		return fmt.Errorf("starting the cluster's supervisor: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Process.Signal(syscall.SIGTERM) })
	defer stop()
	io.Copy(os.Stdout, output) //nolint:errcheck // the end of it, however, is what we wait for
	if _, err := embedded.Find(context.WithoutCancel(ctx), config.Name); err == nil && ctx.Err() == nil {
		return nil
	}
	io.Copy(os.Stderr, complaints) //nolint:errcheck // it has said why
	if err := child.Wait(); err != nil || ctx.Err() != nil {
		return exitCode(1)
	}
	return errors.New("the cluster ended right after its start")
}
