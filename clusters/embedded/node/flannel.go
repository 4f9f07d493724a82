//go:build linux

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan" // registers itself with package backend
	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/subnet"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr/nftables"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

const (
	annotationPrefix = "flannel.alpha.coreos.com"
	masqueradeResync = 60 // seconds
)

// TunnelAnnotation is on a node's object once flannel has made its end of the tunnel.
const TunnelAnnotation = annotationPrefix + "/backend-data"

// runFlannel carries packets to the pods of other nodes in vxlan (UDP port 8472) until ctx is done. The node's object
// must exist: flannel writes the tunnel's address there, and reads other nodes' tunnels from theirs.
func (c Config) runFlannel(ctx context.Context) error {
	configPath, err := c.writeFlannelConfig()
	if err != nil {
		return err
	}
	// flannel gets its node's name from here, as it is not a pod.
	if err := os.Setenv("NODE_NAME", c.Name); err != nil {
		return fmt.Errorf("setting flannel's node name: %w", err)
	}
	manager, err := kube.NewSubnetManager(ctx, "", c.Kubeconfig, annotationPrefix, configPath, false)
	if err != nil {
		return fmt.Errorf("starting flannel: %w", err)
	}
	config, err := manager.GetNetworkConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading flannel's configuration: %w", err)
	}
	external, err := c.externalInterface()
	if err != nil {
		return err
	}
	vxlan, err := backend.NewManager(ctx, manager, external).GetBackend(config.BackendType)
	if err != nil {
		return fmt.Errorf("choosing flannel's back end: %w", err)
	}
	var running sync.WaitGroup
	tunnel, err := vxlan.RegisterNetwork(ctx, &running, config)
	if err != nil {
		return fmt.Errorf("making the vxlan tunnel (does the kernel have vxlan?): %w", err)
	}
	if err := masquerade(ctx, config, tunnel); err != nil {
		return err
	}
	tunnel.Run(ctx)
	running.Wait()
	return ctx.Err()
}

func (c Config) writeFlannelConfig() (string, error) {
	config, err := json.Marshal(map[string]any{
		"Network": c.ClusterPodCIDR.String(), "EnableNFTables": true,
		"Backend": map[string]any{"Type": "vxlan"},
	})
	if err != nil {
		return "", fmt.Errorf("encoding flannel's configuration: %w", err)
	}
	path := filepath.Join(c.StateDir, "flannel.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return "", fmt.Errorf("writing flannel's configuration: %w", err)
	}
	return path, nil
}

func (c Config) externalInterface() (*backend.ExternalInterface, error) {
	link, err := net.InterfaceByName(addressplan.MachineInterface)
	if err != nil {
		return nil, fmt.Errorf("finding the node's own interface: %w", err)
	}
	address := net.IP(c.InternalIP.AsSlice())
	return &backend.ExternalInterface{
		Iface: link, IfaceName: link.Name, IfaceAddr: address, ExtAddr: address,
	}, nil
}

// masquerade gives connections from pods to outside the pod range the node's address.
func masquerade(ctx context.Context, config *subnet.Config, tunnel backend.Network) error {
	var rules nftables.NFTablesManager
	if err := rules.Init(ctx); err != nil {
		return fmt.Errorf("connecting to nftables: %w", err)
	}
	err := rules.SetupAndEnsureMasqRules(ctx, config.Network, ip.IP4Net{}, ip.IP4Net{},
		config.IPv6Network, ip.IP6Net{}, ip.IP6Net{}, tunnel.Lease(), masqueradeResync, false)
	if err != nil {
		return fmt.Errorf("masquerading packets from pods: %w", err)
	}
	rules.SetupAndEnsureForwardRules(ctx, config.Network, config.IPv6Network, masqueradeResync)
	return nil
}
