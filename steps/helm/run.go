package helm

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/fixtures/charts/release"
)

// Releases are the releases in a cluster; see release.Client.
type Releases interface {
	Upgrade(ctx context.Context, request release.Request) (release.Info, error)
	Uninstall(ctx context.Context, name charts.Release) error
	List(ctx context.Context, namespace string) ([]release.Info, error)
}

// Run runs a command. It returns what Helm prints and, if the command deploys a release, the release.
func Run(ctx context.Context, releases Releases, command Command) (output string, deployed release.Info, err error) {
	switch command.Verb {
	case Uninstall:
		if err := releases.Uninstall(ctx, command.Release); err != nil {
			return "", release.Info{}, err
		}
		return fmt.Sprintf("release %q uninstalled\n", command.Release.Name), release.Info{}, nil
	case List:
		found, err := releases.List(ctx, command.Release.Namespace)
		return table(found), release.Info{}, err
	}
	deployed, err = releases.Upgrade(ctx, release.Request{
		Release: command.Release, Values: command.Values, ReuseValues: command.ReuseValues,
		Create: command.Verb == Install || command.OrInstall, MustBeNew: command.Verb == Install,
	})
	if err != nil {
		return "", release.Info{}, err
	}
	return describe(command, deployed), deployed, nil
}

// describe is what `helm install` and `helm upgrade` print.
func describe(command Command, info release.Info) string {
	var out strings.Builder
	switch {
	case command.Verb == Install:
	case info.Revision == 1:
		fmt.Fprintf(&out, "Release %q does not exist. Installing it now.\n", info.Name)
	default:
		fmt.Fprintf(&out, "Release %q has been upgraded. Happy Helming!\n", info.Name)
	}
	fmt.Fprintf(&out, "NAME: %s\nLAST DEPLOYED: %s\nNAMESPACE: %s\nSTATUS: %s\nREVISION: %d\n",
		info.Name, info.Updated.Format(time.ANSIC), info.Namespace, info.Status, info.Revision)
	if info.Notes != "" {
		fmt.Fprintf(&out, "NOTES:\n%s\n", strings.TrimSpace(info.Notes))
	}
	return out.String()
}

// table is what `helm list` prints.
func table(releases []release.Info) string {
	var out strings.Builder
	columns := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(columns, "NAME\tNAMESPACE\tREVISION\tUPDATED\tSTATUS\tCHART\tAPP VERSION")
	for _, info := range releases {
		fmt.Fprintf(columns, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n",
			info.Name, info.Namespace, info.Revision, info.Updated.Format(time.DateTime), info.Status, info.Chart, info.AppVersion)
	}
	_ = columns.Flush() // a strings.Builder takes everything
	return out.String()
}
