// Package definitions combines the step definitions of its subpackages into the vocabulary of the feature files, and
// runs scenarios with it.
package definitions

import (
	"slices"

	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/backends"
	"github.com/ingress-testbed/testbed/steps/definitions/diagnosis"
	"github.com/ingress-testbed/testbed/steps/definitions/disruption"
	"github.com/ingress-testbed/testbed/steps/definitions/dns"
	"github.com/ingress-testbed/testbed/steps/definitions/http"
	"github.com/ingress-testbed/testbed/steps/definitions/kubernetes"
	"github.com/ingress-testbed/testbed/steps/definitions/load"
	"github.com/ingress-testbed/testbed/steps/definitions/packets"
	"github.com/ingress-testbed/testbed/steps/definitions/tls"
	"github.com/ingress-testbed/testbed/steps/definitions/websocket"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/usage"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// Vocabulary returns the vocabulary without an environment: feature files can be checked against it, but not run.
func Vocabulary() (*vocabulary.Vocabulary, error) {
	return vocabulary.New(dependencies{}.definitions(), vocabulary.Hooks{})
}

// dependencies are what each package of steps uses of an environment.
type dependencies struct {
	kubernetes kubernetes.Dependencies
	diagnosis  diagnosis.Source
	dialer     http.Dialer
	pods       http.Pods
	secrets    typedcorev1.SecretsGetter
	packets    packets.Dependencies
	load       load.Dependencies
	disruptor  clusters.Disruptor
}

func dependenciesOf(environment *steps.Environment, readiness *subject.Readiness, shared *backends.Shared) dependencies {
	client := environment.Cluster.Client()
	// Both are nil if the cluster is of another kind.
	balancers, _ := environment.Cluster.(clusters.LoadBalancers)
	disruptor, _ := environment.Cluster.(clusters.Disruptor)
	workloads := &environment.Objects.Workloads
	return dependencies{
		kubernetes: kubernetes.Dependencies{
			Objects: environment.Objects, Nodes: environment.Nodes, Kubectl: environment.Kubectl, Controller: environment.Controller,
			Readiness: readiness, Placeholders: world.NewPlaceholders(environment), Backends: shared, Features: environment.Features,
			LoadBalancers: balancers, Cables: disruptor,
		},
		diagnosis: diagnosis.Source{Controller: environment.Controller, Cluster: workloads},
		dialer:    client,
		pods:      workloads,
		secrets:   workloads.Clientset.CoreV1(),
		packets: packets.Dependencies{
			Cluster: environment.Cluster, Client: client.Addr(), ClientAddress: environment.ClientAddress, Nodes: environment.Nodes,
			Controller: environment.Controller, Pods: workloads, Dir: environment.ArtefactDir,
		},
		disruptor: disruptor,
		load: load.Dependencies{
			Pods: workloads, Dir: environment.ArtefactDir, Scale: environment.LoadScale,
			Usage: usage.Controller{Objects: environment.Objects, Subject: environment.Controller},
		},
	}
}

// definitions returns all steps in the order in which they are listed.
func (d dependencies) definitions() []vocabulary.Definition {
	return slices.Concat(
		kubernetes.Definitions(d.kubernetes), d.diagnosis.Definitions(), http.Definitions(d.dialer, d.pods), tls.Definitions(d.secrets),
		packets.Definitions(d.packets), websocket.Definitions(), dns.Definitions(), load.Definitions(d.load),
		disruption.Definitions(d.disruptor, d.pods),
	)
}
