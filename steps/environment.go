// Package steps has the environment that all scenarios of a run share. Its packages:
//
//	world        the state of one scenario
//	subject      the ingress controller under test
//	definitions  the steps of the feature files, one package per subject
//	vocabulary   the steps as data; arguments reads their tables
//	suite        selects scenarios, runs them on a cluster, and writes the reports
//	inprocess    runs scenarios without a cluster
//	mutants      finds out which scenarios notice a wrong controller
//	load         makes requests at given times in the background, and describes what became of them
//	usage        measures what the ingress controller uses meanwhile
//	replay       sends the requests of a record and compares the answers, independent of scenarios
//	compare      sends requests that it derives from a user's Ingresses to two controllers, and compares their answers
//	manifests    reads the objects of files
//
// Definitions and suite use the others: client makes requests, objects applies manifests, schedule decides what runs at the same
// time, statistics judges distributions.
//
// The definitions are independent of walkthroughs, hosts and addresses: those are in the feature files. Values that depend on
// the running cluster are written there as placeholders, such as ${client address}.
package steps

import (
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/kubectl"
	"github.com/ingress-testbed/testbed/steps/nodes"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/subject"
)

// Environment is what all scenarios of a run share. It isn't changed while they run.
type Environment struct {
	Cluster    clusters.Cluster
	Nodes      nodes.List
	Objects    *objects.API
	Kubectl    kubectl.Program
	Controller subject.Controller
	// WaitPolicy bounds the wait until the controller serves an Ingress.
	WaitPolicy subject.WaitPolicy
	// Features contains the feature files and the files that they refer to.
	Features fs.FS
	// LoadScale is what the rates of load runs are multiplied by; 0 stands for 1.
	LoadScale float64
	// ArtefactDir is the folder for packet captures.
	ArtefactDir string
	// ArticleNamespace is the namespace of walkthroughs that replay an article: "default" if empty. It must exist.
	ArticleNamespace string
	// Disposable is set if the cluster ends with the run, so that nothing needs to be deleted from it.
	Disposable bool
}

// ClientAddress returns the source address of requests as the nodes and the controller see it. The error wraps
// clusters.ErrUnsupported if it is hidden from the controller or unknown.
func (e *Environment) ClientAddress() (netip.Addr, error) {
	if installation, err := e.Controller.Installation(); err == nil && installation.ClientHidden != "" {
		return netip.Addr{}, fmt.Errorf("%s: %w", installation.ClientHidden, clusters.ErrUnsupported)
	}
	if e.Cluster.Access().HidesClient {
		return netip.Addr{}, fmt.Errorf("the client's address, as the cluster sees it, is unknown: %w", clusters.ErrUnsupported)
	}
	return e.Cluster.Client().Addr(), nil
}
