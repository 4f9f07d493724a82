//go:build linux

package testnetwork

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/node"
)

// startNodes starts the controllers, and on every node kube-proxy and the node's own program, and waits until every
// node is Ready.
func (r *testNetwork) startNodes(ctx context.Context) error {
	if err := r.allow(ctx); err != nil {
		return err
	}
	for i := range r.spec.Network.Nodes {
		if err := r.startNode(i); err != nil {
			return err
		}
	}
	if err := r.startControllers(); err != nil {
		return err
	}
	if err := r.addServiceCIDR(ctx); err != nil {
		return err
	}
	if err := r.deployDNS(ctx); err != nil {
		return err
	}
	if err := poll(ctx, r.nodesReady); err != nil {
		return err
	}
	if err := poll(ctx, r.controllersWork); err != nil {
		return err
	}
	return r.labelControlPlane(ctx)
}

// controllersWork checks for objects that the controller manager creates early on and that the first Pod needs.
func (r *testNetwork) controllersWork(ctx context.Context) error {
	_, err := r.client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("waiting for kube-controller-manager to make service accounts (see %s): %w",
			r.processes.log("kube-controller-manager"), err)
	}
	return nil
}

func (r *testNetwork) startNode(i int) error {
	machine, planned := r.topology.Nodes[i], r.spec.Network.Nodes[i]
	configPath := filepath.Join(nodeDir(planned.Name), "node.json")
	config, err := json.Marshal(r.nodeConfig(i))
	if err != nil {
		return fmt.Errorf("writing down what node %s is: %w", planned.Name, err)
	}
	if err := os.MkdirAll(filepath.Dir(configPath), 0o755); err != nil {
		return fmt.Errorf("making the folder of node %s: %w", planned.Name, err)
	}
	if err := os.WriteFile(configPath, config, 0o600); err != nil {
		return fmt.Errorf("writing down what node %s is: %w", planned.Name, err)
	}
	if err := r.processes.start(machine, planned.Name, "/proc/self/exe", node.Command, configPath); err != nil {
		return err
	}
	flags := proxyFlags(r.spec.Network, planned.Name)
	return r.processes.start(machine, "kube-proxy-"+planned.Name, r.program("kube-proxy", flags)...)
}

func (r *testNetwork) nodeConfig(i int) node.Config {
	p, name := r.spec.Network, r.spec.Network.Nodes[i].Name
	return node.Config{
		Name: name, InternalIP: p.Nodes[i].Address, ExternalIP: p.Public(i),
		PodCIDR: p.Pods(i), PodGateway: p.PodGateway(i), ClusterPodCIDR: p.PodCIDR, LANMTU: p.LANMTU,
		Kubeconfig: kubeconfigPath(nodeFile(name)), KubernetesVersion: r.spec.KubernetesVersion,
		ClusterDNS: p.ClusterDNS(), ClusterDomain: clusterDomain,
		LoadBalancerCIDR: p.LoadBalancerCIDR, AnnouncerKubeconfig: kubeconfigPath(announcerFile),
		ServingCert: certificate(nodeFile(name)), ServingKey: key(nodeFile(name)), ClientCA: certificate("ca"),
		StateDir: nodeDir(name), ImageDir: control.ImageDir, CNIBinDir: r.spec.CNI, LoadCommand: r.loadCommand(),
		PodLogs: filepath.Join(r.spec.Logs, "pods"),
	}
}

// loadCommand is how a user loads an image into this cluster.
func (r *testNetwork) loadCommand() string {
	return "testbed load --name " + r.spec.Name + " ARCHIVE"
}

func (r *testNetwork) nodesReady(ctx context.Context) error {
	nodes, err := r.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing nodes: %w", err)
	}
	ready := map[string]bool{}
	for i := range nodes.Items {
		ready[nodes.Items[i].Name] = nodeReady(&nodes.Items[i])
	}
	for _, planned := range r.spec.Network.Nodes {
		if !ready[planned.Name] {
			return fmt.Errorf("node %s is not Ready; see %s", planned.Name, r.processes.log(planned.Name))
		}
	}
	return nil
}

// nodeReady reports whether a node can run pods that reach those of other nodes.
func nodeReady(n *corev1.Node) bool {
	return n.Annotations[node.TunnelAnnotation] != "" &&
		slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
}

// labelControlPlane marks the first node, as k3s does; a node may not do so itself (NodeRestriction).
func (r *testNetwork) labelControlPlane(ctx context.Context) error {
	const patch = `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true"}}}`
	name := r.spec.Network.Nodes[0].Name
	_, err := r.client.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("labelling node %s: %w", name, err)
	}
	return nil
}
