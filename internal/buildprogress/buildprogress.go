// Package buildprogress runs `go build` and shows how far it is: Kubernetes takes ten minutes the first time, and the go
// command prints nothing while it compiles.
package buildprogress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// quiet is how long a build may take before its packages are counted. Most builds find everything in the cache.
	quiet = 10 * time.Second
	// interval is the time between two lines where output is not a terminal.
	interval = time.Minute
)

// Build is a run of `go build`.
type Build struct {
	// Dir is the folder of the module.
	Dir string
	// Output is the absolute path of the program, or of a folder that ends in a slash.
	Output string
	// Arguments are flags and packages of `go build`, without -v and -o.
	Arguments []string
	// Environment has variables such as GOARCH=arm64 in addition to those of this process.
	Environment []string
}

// Run builds, and writes progress and errors to out. On a terminal, progress is one line that is overwritten; elsewhere
// it is a line a minute. An *exec.ExitError is about the build itself, whose messages have been written.
func (b Build) Run(ctx context.Context, out io.Writer, terminal bool) error {
	build := b.command(ctx, append([]string{"build", "-v", "-o", b.Output}, b.Arguments...))
	lines, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	defer lines.Close()
	build.Stdout, build.Stderr = writer, writer
	err = build.Start()
	writer.Close()
	if err != nil {
		return fmt.Errorf("running go: %w", err)
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	view := &view{out: out, terminal: terminal}
	readErr := follow(following, lines, b.stale, view)
	if err := build.Wait(); err != nil {
		return err
	}
	return readErr
}

func (b Build) command(ctx context.Context, arguments []string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = b.Dir
	command.Env = append(os.Environ(), b.Environment...)
	return command
}

// stale counts the packages that are not in Go's cache.
func (b Build) stale(ctx context.Context) (int, error) {
	// The go command calls packages stale also if only their installed copies are missing.
	const format = `{{if and .Stale (ne .StaleReason "not installed but available in build cache")}}{{.ImportPath}}{{end}}`
	list, err := b.command(ctx, append([]string{"list", "-deps", "-f", format}, b.Arguments...)).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return 0, fmt.Errorf("counting packages: %w: %s", err, exit.Stderr)
		}
		return 0, fmt.Errorf("counting packages: %w", err)
	}
	return len(strings.Fields(string(list))), nil
}
