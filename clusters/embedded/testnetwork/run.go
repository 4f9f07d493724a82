//go:build linux

// Package testnetwork is the test network: the first process in a set of namespaces of its own, which cables the network,
// starts a real control plane and the nodes, and then answers the host's requests. Everything it makes is inside
// those namespaces, so that all of it ends with this process, however it ends.
package testnetwork

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/network"
	"github.com/ingress-testbed/testbed/clusters/embedded/pki"
)

// testNetwork is the test network while it is built and runs.
type testNetwork struct {
	spec      control.Spec
	topology  *network.Topology
	ca        *pki.Authority
	host      *control.Host
	processes *processes
	client    kubernetes.Interface
}

// Main runs the test network, as control.Command says, and returns the process's exit code.
func Main() int {
	host, requests := inherited(3), inherited(4)
	if host == nil || requests == nil {
		fmt.Fprintln(os.Stderr, "testbed test-network is started by testbed itself; use: testbed up")
		return 2
	}
	events := &reporter{encoder: json.NewEncoder(host)}
	if err := run(host, requests, events); err != nil {
		events.report(control.Event{Failed: err.Error()}) //nolint:errcheck // the host may be gone: that ends us too
		return 1
	}
	return 0
}

// inherited returns a file descriptor that the host has passed, or nil. The programs that are started here don't get it.
func inherited(fd int) *os.File {
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "host")
}

// reporter sends events to the host. A part of Kubernetes may end while the cluster is still being built.
type reporter struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (r *reporter) report(e control.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.encoder.Encode(e)
}

func run(host io.Reader, requests *os.File, events *reporter) error {
	var r testNetwork
	decoder := json.NewDecoder(host)
	if err := decoder.Decode(&r.spec); err != nil {
		return fmt.Errorf("reading what to build: %w", err)
	}
	var err error
	if r.host, err = control.NewHost(requests); err != nil {
		return err
	}
	defer r.host.Close() //nolint:errcheck // this process ends
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the host sends nothing more, so that this returns when the host has closed the socket
		decoder.Decode(new(json.RawMessage)) //nolint:errcheck // the host has ended, or ends the cluster
		cancel()
	}()
	r.processes = &processes{logs: r.spec.Logs, ended: make(chan error, 1)}
	go func() {
		if err := <-r.processes.ended; err != nil {
			events.report(control.Event{Failed: err.Error()}) //nolint:errcheck // as above
			cancel()
		}
	}()
	if err := r.build(ctx, events); err != nil {
		return err
	}
	if err := r.serve(ctx, events); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// build creates the cluster, step by step, and reports each step to the host.
func (r *testNetwork) build(ctx context.Context, events *reporter) error {
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"file systems", func(context.Context) error {
			return errors.Join(mountFileSystems(), linkPrograms(r.spec.Kube))
		}},
		{"network of router, client and nodes", r.cable},
		{"etcd and kube-apiserver", r.startAPIAndLoadImages},
		{"nodes Ready", r.startNodes},
	} {
		start := time.Now()
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := events.report(control.Event{Done: step.name, Took: time.Since(start)}); err != nil {
			return fmt.Errorf("reporting to the host: %w", err)
		}
	}
	return nil
}

func (r *testNetwork) cable(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		r.topology, err = network.Build(ctx, r.spec.Network)
		return err
	})
	group.Go(func() (err error) {
		r.ca, err = issueCertificates(r.spec)
		return err
	})
	return group.Wait()
}

// startAPIAndLoadImages does both at the same time.
func (r *testNetwork) startAPIAndLoadImages(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.startAPI(ctx) })
	group.Go(func() error { return r.loadImages(ctx) })
	return group.Wait()
}

// serve answers the host's requests until it hangs up.
func (r *testNetwork) serve(ctx context.Context, events *reporter) error {
	puller, err := newPuller(r.host)
	if err != nil {
		return err
	}
	defer puller.Close()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: control.Socket, Net: "unix"})
	if err != nil {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	if err := events.report(control.Event{Ready: true}); err != nil {
		return fmt.Errorf("reporting to the host: %w", err)
	}
	return control.Serve(ctx, listener, &handler{r.spec, r.topology, puller, r.processes, r.client})
}

// nodeDir is a node's private folder.
func nodeDir(node string) string { return filepath.Join(control.StateDir, "nodes", node) }

var errTimeout = errors.New("timed out")
