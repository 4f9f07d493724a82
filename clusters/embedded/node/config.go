//go:build linux

// Package node is the program of one node: flannel, which carries packets to the pods of other nodes, and the agent,
// which runs this node's pods. It runs inside the node's network namespace.
package node

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
)

// Command is the hidden sub-command by which the testbed program becomes a node. Its argument is the path of a
// Config as JSON.
const Command = "node"

// Config is a node's configuration.
type Config struct {
	Name       string     `json:"name"`
	InternalIP netip.Addr `json:"internalIP"`
	ExternalIP netip.Addr `json:"externalIP"`
	// PodCIDR is the node's range, PodGateway its bridge's address in it, ClusterPodCIDR the range of all nodes.
	PodCIDR        netip.Prefix `json:"podCIDR"`
	PodGateway     netip.Addr   `json:"podGateway"`
	ClusterPodCIDR netip.Prefix `json:"clusterPodCIDR"`
	// LANMTU is the largest packet in bytes on the link to the other nodes.
	LANMTU int `json:"lanMTU"`
	// LoadBalancerCIDR is the range of the load balancers' addresses, which the nodes announce.
	LoadBalancerCIDR netip.Prefix `json:"loadBalancerCIDR"`
	// Kubeconfig is the node's own, and AnnouncerKubeconfig that of the announcer.
	Kubeconfig          string `json:"kubeconfig"`
	AnnouncerKubeconfig string `json:"announcerKubeconfig"`
	KubernetesVersion   string `json:"kubernetesVersion"`
	// ClusterDNS is the cluster IP of the DNS server, and ClusterDomain the domain of the cluster's names.
	ClusterDNS    netip.Addr `json:"clusterDNS"`
	ClusterDomain string     `json:"clusterDomain"`
	// ServingCert and ServingKey are for the kubelet API, which trusts clients of ClientCA.
	ServingCert string `json:"servingCert"`
	ServingKey  string `json:"servingKey"`
	ClientCA    string `json:"clientCA"`
	// StateDir is the node's folder, ImageDir the cluster's image store, CNIBinDir has the CNI plug-ins.
	StateDir  string `json:"stateDir"`
	ImageDir  string `json:"imageDir"`
	CNIBinDir string `json:"cniBinDir"`
	// LoadCommand is how users load an image from an archive.
	LoadCommand string `json:"loadCommand"`
	// PodLogs is where the containers' output is kept.
	PodLogs string `json:"podLogs"`
}

func readConfig(path string) (c Config, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("reading the node's configuration: %w", err)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("the node's configuration %s: %w", path, err)
	}
	return c, nil
}

// vxlanHeader is the overhead of a tunnelled packet in bytes: outer Ethernet, IPv4, UDP and VXLAN (RFC 7348 section
// 5).
const vxlanHeader = 14 + 20 + 8 + 8

// podMTU is the largest packet of a pod: what is left of the LAN's inside the tunnel.
func (c Config) podMTU() int { return c.LANMTU - vxlanHeader }
