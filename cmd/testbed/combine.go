package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingress-testbed/testbed/reports"
	"github.com/ingress-testbed/testbed/reports/loads"
	"github.com/ingress-testbed/testbed/reports/matrix"
	"github.com/ingress-testbed/testbed/reports/terminal"
)

// summaryVariable names the file to which the summary of a GitHub job is appended.
const summaryVariable = "GITHUB_STEP_SUMMARY"

func newCombine() *cobra.Command {
	var out, markdown, reference string
	cmd := &cobra.Command{
		Use:   "combine [NAME=]DIR...",
		Short: "Compare the reports of several runs",
		Long: "Puts the runs whose reports are in the folders side by side, for the same feature files on several versions of\n" +
			"Kubernetes or kinds of cluster, and writes index.html and junit.xml. A run is read from the results.json in its\n" +
			"folder, and is called NAME, or what it says of its cluster. Failures are grouped by what they mean, the gravest first,\n" +
			"and equal failures of several runs are one. The exit code is 0 only if every run passed, 2 if the\n" +
			"arguments are wrong, and 1 otherwise.",
		Example: "  testbed combine reports/out/matrix/v1.34.4 kind=reports/out/kind\n" +
			"  testbed combine --reference before before=reports/before after=reports/after",
		RunE: func(cmd *cobra.Command, args []string) error {
			sources, err := parseSources(args)
			if err != nil {
				return refused(cmd, err)
			}
			compared, err := reports.Combine(out, sources, reference)
			if errors.Is(err, reports.ErrSources) {
				return refused(cmd, err)
			}
			if err != nil {
				return err
			}
			return tell(cmd.OutOrStdout(), compared, out, markdown)
		},
	}
	cmd.Flags().StringVar(&out, "out", "reports/out/matrix", "`folder` for the comparison")
	cmd.Flags().StringVar(&reference, "reference", "", "name of the `run` that the others are compared with: what fails there, too, is listed apart")
	cmd.Flags().StringVar(&markdown, "markdown", "", "`file` for the table in Markdown (default what "+summaryVariable+" names, if it is set)")
	return cmd
}

// refused reports invalid arguments. Without it, main would report that nothing was run.
func refused(cmd *cobra.Command, err error) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "testbed: %v; see `%s --help`\n", err, cmd.CommandPath())
	return inputError
}

// parseSources reads [NAME=]DIR. What has a slash before the equals sign is a folder's path.
func parseSources(args []string) ([]reports.Source, error) {
	if len(args) == 0 {
		return nil, errors.New("say which runs to compare: give the folders of their reports")
	}
	var sources []reports.Source
	for _, arg := range args {
		name, dir, found := strings.Cut(arg, "=")
		if !found || strings.Contains(name, "/") {
			name, dir = "", arg
		} else if strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("%q has no name before the equals sign", arg)
		}
		if dir == "" {
			return nil, fmt.Errorf("%q names no folder", arg)
		}
		sources = append(sources, reports.Source{Label: name, Dir: dir})
	}
	return sources, nil
}

// tell shows the table and passes the verdict on.
func tell(w io.Writer, compared *matrix.Matrix, out, markdown string) error {
	if err := terminal.WriteTable(w, compared.Rows()); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	fmt.Fprintf(w, "(%s)\n\n", matrix.Legend)
	for _, remark := range compared.Remarks() {
		fmt.Fprintln(w, remark)
	}
	if len(compared.Loads) > 0 {
		fmt.Fprintln(w)
		if err := terminal.WriteTable(w, loads.Rows(compared.Loads, true)); err != nil {
			return fmt.Errorf("writing the table of load runs: %w", err)
		}
	}
	if err := writeMarkdown(compared, markdown); err != nil {
		return err
	}
	verdict := "Passed"
	if !compared.Passed() {
		verdict = "Not passed: " + compared.Reason()
	}
	fmt.Fprintf(w, "%s\nReport: %s\n", verdict, filepath.Join(out, reports.HTMLFile))
	if !compared.Passed() {
		return exitCode(1)
	}
	return nil
}

// writeMarkdown replaces the file of --markdown, or appends to GitHub's, which other commands may have written to.
func writeMarkdown(compared *matrix.Matrix, path string) error {
	mode := os.O_TRUNC
	if path == "" {
		path, mode = os.Getenv(summaryVariable), os.O_APPEND
	}
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|mode, 0o644) //nolint:gosec // the user who sets the variable may write there
	if err != nil {
		return fmt.Errorf("writing the table as Markdown: %w", err)
	}
	if err := errors.Join(compared.WriteMarkdown(file), file.Close()); err != nil {
		return fmt.Errorf("writing the table as Markdown: %w", err)
	}
	return nil
}
