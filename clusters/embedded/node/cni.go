//go:build linux

package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Bridge is the name of the bridge that a node's pods are on, as flannel calls it.
const Bridge = "cni0"

// writeNetworkConfig writes the CNI network configuration list by which pods are connected: what flannel's CNI plug-in
// would delegate to, with the values it would fill in (CNI specification 1.0.0, "Network configuration format").
func (c Config) writeNetworkConfig(dir string) error {
	type object = map[string]any
	list := object{
		"cniVersion": "1.0.0",
		"name":       "cbr0",
		"plugins": []object{{
			"type":             "bridge",
			"bridge":           Bridge,
			"mtu":              c.podMTU(),
			"isDefaultGateway": true,
			"forceAddress":     true,
			"hairpinMode":      true, // a pod may reach itself through a Service
			"ipam": object{
				"type":    "host-local",
				"dataDir": filepath.Join(c.StateDir, "ipam"),
				"ranges":  [][]object{{{"subnet": c.PodCIDR.String(), "gateway": c.PodGateway.String()}}},
				"routes":  []object{{"dst": c.ClusterPodCIDR.String()}},
			},
		}, {
			"type":         "portmap", // hostPort
			"backend":      "nftables",
			"snat":         true, // a pod reaches its own hostPort, and the node its pods' on 127.0.0.1
			"capabilities": object{"portMappings": true},
		}},
	}
	raw, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the CNI configuration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder for the CNI configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "10-flannel.conflist"), raw, 0o600); err != nil {
		return fmt.Errorf("writing the CNI configuration: %w", err)
	}
	return nil
}
