// Command gobuild runs `go build` and shows how far it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"golang.org/x/term"

	"github.com/ingress-testbed/testbed/internal/buildprogress"
)

func main() {
	flags := flag.NewFlagSet("gobuild", flag.ExitOnError)
	var build buildprogress.Build
	flags.StringVar(&build.Dir, "dir", ".", "`folder` of the module")
	flags.StringVar(&build.Output, "o", "", "absolute `path` of the program, or of a folder that ends in a slash")
	architecture := flags.String("arch", "", "`architecture` to build for, such as arm64 (default this machine's)")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: gobuild [-dir FOLDER] [-arch ARCHITECTURE] -o PATH -- FLAGS AND PACKAGES OF GO BUILD")
		flags.PrintDefaults()
	}
	flags.Parse(os.Args[1:]) //nolint:errcheck // it exits
	build.Arguments = flags.Args()
	if *architecture != "" {
		build.Environment = []string{"GOOS=linux", "GOARCH=" + *architecture}
	}
	os.Exit(run(build))
}

func run(build buildprogress.Build) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := build.Run(ctx, os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return 1 // go has printed why
	}
	fmt.Fprintln(os.Stderr, "gobuild:", err)
	return 1
}
