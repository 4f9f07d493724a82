package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/steps/suite"
)

func newUp() *cobra.Command {
	settings := embedded.NewSettings()
	var name string
	var foreground, install bool
	controller := newInstallation()
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "Start an embedded cluster that runs until `testbed down`",
		Example: "  testbed up\n  testbed up --install --set controller.replicaCount=2",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			controller.name = name
			inBackground := os.Getenv(backgroundVariable) != "" // then the parent process installs the controller
			if !install && !inBackground && controller.sources.Given() {
				return fmt.Errorf("%w: values of the chart need --install", suite.ErrInput)
			}
			if install && !inBackground {
				if _, _, err := controller.render(io.Discard); err != nil { // before a cluster is started
					return err
				}
			}
			if foreground {
				ready := func(ctx context.Context) error {
					if !install || inBackground {
						return nil
					}
					return controller.install(ctx, cmd.OutOrStdout())
				}
				return keepCluster(cmd.Context(), settings, name, cmd.OutOrStdout(), ready)
			}
			if err := startInBackground(cmd.Context(), settings, name); err != nil || !install {
				return err
			}
			return controller.install(cmd.Context(), cmd.OutOrStdout())
		},
	}
	addName(cmd, &name)
	cmd.Flags().AddFlagSet(settings.Flags())
	cmd.Flags().BoolVar(&install, "install", false, "install the ingress controller, as `testbed install` does")
	controller.sources.Register(cmd.Flags())
	cmd.Flags().BoolVar(&foreground, "foreground", false, "stay in the foreground; Ctrl-C ends the cluster")
	return cmd
}

// keepCluster creates a cluster, calls ready, and keeps the cluster until ctx is done.
func keepCluster(ctx context.Context, settings *embedded.Settings, name string, out io.Writer, ready func(context.Context) error) error {
	config, err := settings.Checked(ctx, name, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Starting cluster %q (about 10 s)\n", config.Name)
	start := time.Now()
	cluster, err := embedded.Create(ctx, config)
	if err != nil {
		return err
	}
	defer cluster.Destroy(ctx) //nolint:errcheck // it returns none
	fmt.Fprintf(out, "Cluster %q runs Kubernetes %s, after %.1f s\n", cluster.Name(), cluster.Version(), time.Since(start).Seconds())
	if err := ready(ctx); err != nil {
		return err
	}
	printHints(out, calledAs(os.Args[0]), cluster.Name())
	if os.Getenv(backgroundVariable) != "" {
		if err := detachOutput(); err != nil {
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

func printHints(out io.Writer, program, name string) {
	option := ""
	if name != embedded.DefaultName {
		option = " --name " + name
	}
	fmt.Fprintf(out, `
  %[1]s kubectl%[2]s get nodes      use it
  %[1]s shell%[2]s client           a shell on the client, or on a node
  %[1]s kubeconfig%[2]s             a kubeconfig for other programs on this machine
  %[1]s down%[2]s                   end it
`, program, option)
}

// calledAs is how the user called this program, such as "bin/testbed", in a form for the shell.
func calledAs(program string) string {
	if strings.ContainsFunc(program, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("'\"\\$`&;|<>()*?[]#!~", r) }) {
		return "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	}
	return program
}

// detachOutput redirects standard output and error to /dev/null. The parent process waits for that, and then exits.
func detachOutput() error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("detaching from the terminal: %w", err)
	}
	defer null.Close()
	for _, stream := range []*os.File{os.Stdout, os.Stderr} {
		if err := redirect(int(stream.Fd()), int(null.Fd())); err != nil {
			return fmt.Errorf("detaching from the terminal: %w", err)
		}
	}
	return nil
}

// backgroundVariable makes a child detach its output when the cluster is ready.
const backgroundVariable = "TESTBED_BACKGROUND"

// startInBackground runs this command again in a new session and shows its progress until the cluster is ready.
func startInBackground(ctx context.Context, settings *embedded.Settings, name string) error {
	config, err := settings.Checked(ctx, name, io.Discard)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the running program: %w", err)
	}
	child := exec.Command(self, append(os.Args[1:], "--foreground")...)
	child.Args[0] = os.Args[0]
	child.Env = append(os.Environ(), backgroundVariable+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := child.StdoutPipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	errorOutput, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer errorOutput.Close()
	child.Stderr = theirs
	err = child.Start()
	theirs.Close()
	if err != nil {
		return fmt.Errorf("starting the cluster's supervisor: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Process.Signal(syscall.SIGTERM) })
	defer stop()
	io.Copy(os.Stdout, output) //nolint:errcheck // only its end matters
	if _, err := embedded.Find(context.WithoutCancel(ctx), config.Name); err == nil && ctx.Err() == nil {
		return nil
	}
	io.Copy(os.Stderr, errorOutput) //nolint:errcheck // the child's own exit follows
	if err := child.Wait(); err != nil || ctx.Err() != nil {
		return exitCode(1)
	}
	return errors.New("the cluster ended right after its start")
}
