//go:build linux

// Package sandbox makes what the containers of a Pod share: namespaces for network, IPC and host name, and a network
// interface, made by the node's CNI plugins.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// Options describe a Pod's sandbox.
type Options struct {
	Namespace, Name, UID string
	Hostname             string
	// HostNetwork and HostIPC leave the Pod in the node's own namespaces.
	HostNetwork, HostIPC bool
	// Sysctls of the Pod's namespaces, by name.
	Sysctls map[string]string
	// Ports are the host ports that the Pod asks for.
	Ports []PortMapping
}

// PortMapping is a port of the node that leads to one of the Pod, in the form that CNI's capability "portMappings" has.
type PortMapping struct {
	HostPort      int32  `json:"hostPort"`
	ContainerPort int32  `json:"containerPort"`
	Protocol      string `json:"protocol"`
	HostIP        string `json:"hostIP,omitempty"`
}

// Maker makes sandboxes on one node.
type Maker struct {
	network *Network
	dir     string
	log     *slog.Logger
}

// NewMaker keeps what is needed of each Pod in a separate folder below dir.
func NewMaker(network *Network, dir string, log *slog.Logger) *Maker {
	return &Maker{network: network, dir: dir, log: log}
}

// Sandbox of a running Pod.
type Sandbox struct {
	maker      *Maker
	options    Options
	dir        string
	namespaces *namespaces
	attached   *Attachment // nil with HostNetwork
}

// Make makes a Pod's sandbox. It leaves nothing behind if it fails.
func (m *Maker) Make(ctx context.Context, o Options) (*Sandbox, error) {
	s := &Sandbox{maker: m, options: o, dir: filepath.Join(m.dir, o.UID)}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the Pod's sandbox: %w", err)
	}
	if o.Sysctls == nil {
		o.Sysctls = map[string]string{}
	}
	if !o.HostNetwork {
		// containerd 2 lets every container bind low ports, as its network namespace is its own.
		if _, set := o.Sysctls[unprivilegedPorts]; !set {
			o.Sysctls[unprivilegedPorts] = "0"
		}
	}
	var err error
	if s.namespaces, err = newNamespaces(s.dir, o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if o.HostNetwork {
		return s, nil
	}
	if s.attached, err = m.network.attach(ctx, s.namespaces.path("net"), o); err == nil {
		err = writeRecord(m.dir, s.record())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

const unprivilegedPorts = "net.ipv4.ip_unprivileged_port_start"

// Namespaces that the Pod's containers join.
func (s *Sandbox) Namespaces() container.Namespaces {
	return container.Namespaces{Net: s.namespaces.has("net"), IPC: s.namespaces.has("ipc"), UTS: s.namespaces.has("uts")}
}

// IPs of the Pod, empty if it uses the node's network.
func (s *Sandbox) IPs() []netip.Addr {
	if s.attached == nil {
		return nil
	}
	return s.attached.IPs
}

func (s *Sandbox) record() Record {
	return Record{
		Namespace: s.options.Namespace, Name: s.options.Name, UID: s.options.UID,
		HostInterface: s.attached.HostInterface, IPs: s.attached.IPs, NetworkNamespace: s.namespaces.path("net"),
	}
}

// Close takes the sandbox apart: first the interface, with its address and rules, and then the namespaces. It may be
// called again if it fails.
func (s *Sandbox) Close(ctx context.Context) error {
	var errs []error
	if s.namespaces.has("net") != "" {
		errs = append(errs, removeRecord(s.maker.dir, s.options), s.maker.network.detach(ctx, s.namespaces.path("net"), s.options))
	}
	errs = append(errs, s.namespaces.close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing the Pod's sandbox: %w", err)
	}
	return os.RemoveAll(s.dir)
}
