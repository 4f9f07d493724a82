// Package helm parses Helm command lines about the test-bed's chart and runs them with Helm's library, so that the program
// helm isn't needed.
package helm

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/steps/kubectl"
)

// Verb is a subcommand of helm.
type Verb string

// The supported subcommands.
const (
	Install   Verb = "install"
	Upgrade   Verb = "upgrade"
	Uninstall Verb = "uninstall"
	List      Verb = "list"
)

// Command is a parsed command line.
type Command struct {
	Line string
	Verb Verb
	// Release is without a name for List.
	Release charts.Release
	// Values of the options -f, --set and so on.
	Values map[string]any
	// OrInstall lets Upgrade create a release that doesn't exist.
	OrInstall bool
	// ReuseValues lets Upgrade keep the values of the last revision that the command doesn't set.
	ReuseValues bool
}

// options are those of Helm's own commands. What is not in a Command is accepted without effect.
type options struct {
	flags       *pflag.FlagSet
	namespace   string
	sources     charts.Sources
	orInstall   bool
	reuseValues bool
}

func newOptions(verb Verb) *options {
	o := &options{flags: pflag.NewFlagSet("helm "+string(verb), pflag.ContinueOnError)}
	o.flags.SetOutput(io.Discard)
	o.flags.StringVarP(&o.namespace, "namespace", "n", "default", "")
	if verb == List {
		return o
	}
	o.flags.Duration("timeout", 5*time.Minute, "")
	o.flags.String("wait", "", "") // steps wait in any case
	o.flags.Lookup("wait").NoOptDefVal = "watcher"
	if verb == Uninstall {
		return o
	}
	o.sources.Register(o.flags)
	o.flags.Bool("create-namespace", false, "") // it is created in any case
	o.flags.String("version", "", "")
	if verb == Upgrade {
		o.flags.BoolVarP(&o.orInstall, "install", "i", false, "")
		o.flags.BoolVar(&o.reuseValues, "reuse-values", false, "")
	}
	return o
}

// Parse parses a command line that begins with the word helm. Files of values are read by the function. The chart that
// the command names, and its --version, are ignored: the test-bed's own chart replaces it.
func Parse(line string, read func(name string) ([]byte, error)) (Command, error) {
	words, err := kubectl.Words(line)
	if err != nil {
		return Command{}, fmt.Errorf("parsing the command %q: %w", line, err)
	}
	if len(words) < 2 || words[0] != "helm" {
		return Command{}, fmt.Errorf("the command %q does not begin with helm and a subcommand", line)
	}
	command := Command{Line: line, Verb: Verb(words[1])}
	operands, known := map[Verb]string{Install: "RELEASE CHART", Upgrade: "RELEASE CHART", Uninstall: "RELEASE", List: ""}[command.Verb]
	if !known {
		return Command{}, fmt.Errorf("helm %s is not supported in feature files; there are install, upgrade, uninstall and list", words[1])
	}
	o := newOptions(command.Verb)
	if err := o.flags.Parse(words[2:]); err != nil {
		return Command{}, fmt.Errorf("the command %q: %w", line, err)
	}
	if given := o.flags.Args(); len(given) != len(strings.Fields(operands)) {
		return Command{}, fmt.Errorf("helm %s takes %s, not %q", command.Verb, cmp.Or(operands, "no arguments"), given)
	}
	command.Release = charts.Release{Name: o.flags.Arg(0), Namespace: o.namespace}
	command.OrInstall, command.ReuseValues = o.orInstall, o.reuseValues
	if slices.Contains([]Verb{Install, Upgrade}, command.Verb) {
		if slices.Contains(o.sources.Files, "-") {
			return Command{}, errors.New("a command in a feature file has no standard input: name a file instead of -")
		}
		if command.Values, err = o.sources.Merge(read); err != nil {
			return Command{}, err
		}
	}
	return command, nil
}
