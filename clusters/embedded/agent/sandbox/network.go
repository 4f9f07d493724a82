//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// podInterface is what a Pod's interface is called, as everywhere in Kubernetes.
const podInterface = "eth0"

// cniTimeout bounds one call of all plugins; the plugins themselves have no time-out.
const cniTimeout = 30 * time.Second

// ErrNoNetwork says that the node has no CNI configuration yet.
var ErrNoNetwork = errors.New("network plugin is not ready: there is no CNI configuration")

// Network attaches Pods to the node's network with CNI plugins, by the first configuration in a folder by name.
type Network struct {
	confDir string
	cni     *libcni.CNIConfig
}

// NewNetwork reads configurations from confDir, runs plugins from binDir and lets the library keep in cacheDir what it
// needs to detach Pods again.
func NewNetwork(confDir, binDir, cacheDir string) *Network {
	// If it were nil, the library would make it at its first use, which is a data race between Pods.
	exec := &invoke.DefaultExec{RawExec: &invoke.RawExec{}}
	return &Network{confDir: confDir, cni: libcni.NewCNIConfigWithCacheDir([]string{binDir}, cacheDir, exec)}
}

// Attachment is a Pod's link to the network.
type Attachment struct {
	IPs []netip.Addr
	// HostInterface is the node's end of the link.
	HostInterface string
}

// Ready is nil when Pods can be attached.
func (n *Network) Ready() error {
	_, err := n.load()
	return err
}

func (n *Network) load() (*libcni.NetworkConfigList, error) {
	files, err := libcni.ConfFiles(n.confDir, []string{".conflist", ".conf", ".json"})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading CNI configuration: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoNetwork, n.confDir)
	}
	slices.Sort(files)
	if filepath.Ext(files[0]) == ".conflist" {
		list, err := libcni.NetworkConfFromFile(files[0])
		if err != nil {
			return nil, fmt.Errorf("reading CNI configuration: %w", err)
		}
		return list, nil
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		return nil, fmt.Errorf("reading CNI configuration: %w", err)
	}
	conf, err := libcni.NetworkPluginConfFromBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("reading CNI configuration %s: %w", files[0], err)
	}
	return libcni.ConfListFromConf(conf)
}

// loadFor loads the configuration for a Pod. If the Pod has no host ports, plugins that do nothing but map them are left
// out: they would only cost the start of a program each.
func (n *Network) loadFor(o Options) (*libcni.NetworkConfigList, error) {
	list, err := n.load()
	if err != nil || len(o.Ports) > 0 {
		return list, err
	}
	own := *list
	own.Plugins = slices.DeleteFunc(slices.Clone(list.Plugins), func(p *libcni.PluginConfig) bool {
		return mapsPorts(p) && len(p.Network.Capabilities) == 1
	})
	return &own, nil
}

func (n *Network) attach(ctx context.Context, netNS string, o Options) (*Attachment, error) {
	list, err := n.loadFor(o)
	if err != nil {
		return nil, err
	}
	if len(o.Ports) > 0 && !handlesPorts(list) {
		return nil, errors.New("the Pod has a hostPort, which needs CNI's portmap plugin in the node's network " +
			"configuration: use a Service of type NodePort, or hostNetwork")
	}
	ctx, cancel := context.WithTimeout(ctx, cniTimeout)
	defer cancel()
	raw, err := n.cni.AddNetworkList(ctx, list, runtimeConf(netNS, o))
	if err != nil {
		return nil, fmt.Errorf("attaching the Pod to network %q: %w", list.Name, err)
	}
	result, err := types100.NewResultFromResult(raw)
	if err != nil {
		return nil, fmt.Errorf("attaching the Pod to network %q: %w", list.Name, err)
	}
	a := &Attachment{}
	for _, ip := range result.IPs {
		if addr, ok := netip.AddrFromSlice(ip.Address.IP); ok {
			a.IPs = append(a.IPs, addr.Unmap())
		}
	}
	if len(a.IPs) == 0 {
		return nil, fmt.Errorf("network %q gave the Pod no address", list.Name)
	}
	if a.HostInterface, err = hostInterface(netNS); err != nil {
		return nil, err
	}
	return a, nil
}

func (n *Network) detach(ctx context.Context, netNS string, o Options) error {
	list, err := n.loadFor(o)
	if errors.Is(err, ErrNoNetwork) {
		return nil // then nothing was attached either
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cniTimeout)
	defer cancel()
	if err := n.cni.DelNetworkList(ctx, list, runtimeConf(netNS, o)); err != nil {
		return fmt.Errorf("detaching the Pod from network %q: %w", list.Name, err)
	}
	return nil
}

// runtimeConf has the arguments that CNI's conventions for Kubernetes require.
func runtimeConf(netNS string, o Options) *libcni.RuntimeConf {
	return &libcni.RuntimeConf{
		ContainerID: o.UID, NetNS: netNS, IfName: podInterface,
		Args: [][2]string{
			{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", o.Namespace}, {"K8S_POD_NAME", o.Name},
			{"K8S_POD_INFRA_CONTAINER_ID", o.UID}, {"K8S_POD_UID", o.UID},
		},
		CapabilityArgs: map[string]any{"portMappings": o.Ports},
	}
}

func handlesPorts(list *libcni.NetworkConfigList) bool {
	return slices.ContainsFunc(list.Plugins, mapsPorts)
}

func mapsPorts(p *libcni.PluginConfig) bool { return p.Network.Capabilities["portMappings"] }

// hostInterface finds the node's end of the Pod's link. CNI results don't say which of several interfaces it is, but
// the kernel knows the peer of a veth.
func hostInterface(netNS string) (string, error) {
	peer := 0
	err := inNetwork(netNS, func() error {
		link, err := netlink.LinkByName(podInterface)
		if err == nil {
			peer = link.Attrs().ParentIndex
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("finding the Pod's link: %w", err)
	}
	link, err := net.InterfaceByIndex(peer)
	if err != nil {
		return "", fmt.Errorf("finding the node's end of the Pod's link: %w", err)
	}
	return link.Name, nil
}

// inNetwork calls f on a thread in another network namespace.
func inNetwork(netNS string, f func() error) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so the thread ends with this
		failed <- func() error {
			ns, err := netns.GetFromPath(netNS)
			if err != nil {
				return err
			}
			defer ns.Close() //nolint:errcheck // only a handle
			if err := netns.Set(ns); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-failed
}

// DialPod connects to a port of a Pod's loopback interface, from inside, as port forwarding does.
func (s *Sandbox) DialPod(ctx context.Context, port int32) (net.Conn, error) {
	dial := func() (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	}
	path := s.namespaces.has("net")
	if path == "" {
		return dial()
	}
	var conn net.Conn
	err := inNetwork(path, func() (err error) {
		conn, err = dial()
		return err
	})
	return conn, err
}
