//go:build linux

package testnetwork

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/network"
	"github.com/ingress-testbed/testbed/clusters/embedded/node"
)

// Impair disturbs the packets on a node's cable.
func (h *handler) Impair(ctx context.Context, request control.ImpairRequest) error {
	return h.topology.Impair(ctx, request.Node, network.Impairment{Loss: request.Loss, Delay: request.Delay, Jitter: request.Jitter})
}

// Component kills a component of the control plane, or starts it again.
func (h *handler) Component(ctx context.Context, request control.ComponentRequest) error {
	if !slices.Contains([]string{"etcd", "kube-apiserver"}, request.Name) {
		return fmt.Errorf("component %q can't be stopped", request.Name)
	}
	if !request.Run {
		return h.processes.stop(ctx, request.Name)
	}
	away := h.processes.stoppedFor(request.Name)
	if err := h.processes.restart(request.Name); err != nil {
		return err
	}
	err := poll(ctx, func(ctx context.Context) error {
		return h.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil || away < renewDeadline {
		return err
	}
	return h.restartElected(ctx)
}

// renewDeadline is how long kube-controller-manager and kube-scheduler try to renew the Lease by which they lead (their
// --leader-elect-renew-deadline). Then they end, and kubelet starts them again.
const renewDeadline = 10 * time.Second

// restartElected does what follows in a cluster when the API server was away for longer than that. Here they don't elect a leader.
// If kube-controller-manager kept running, it would take all nodes for lost, because it has not seen their Leases renewed, and all
// Pods for not ready.
func (h *handler) restartElected(ctx context.Context) error {
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		if err := h.processes.stop(ctx, name); err != nil {
			return err
		}
		if err := h.processes.restart(name); err != nil {
			return err
		}
	}
	return nil
}

// mostRounds bounds the search for processes that others start while they are being stopped.
const mostRounds = 20

// Suspend stops or continues the processes of a node or a Pod.
func (h *handler) Suspend(_ context.Context, request control.SuspendRequest) error {
	belongs, err := h.selector(request)
	if err != nil {
		return err
	}
	if !request.Suspend {
		_, err := signal(belongs, syscall.SIGCONT, nil)
		return err
	}
	stopped := map[int]bool{}
	for range mostRounds {
		found, err := signal(belongs, syscall.SIGSTOP, stopped)
		if err != nil {
			return err
		}
		if found == 0 && len(stopped) > 0 {
			return nil
		}
		if found == 0 {
			return errors.New("there are no such processes")
		}
	}
	return errors.New("new processes are started faster than they are stopped")
}

// selector returns what selects the processes of a request: those of a Pod by its network namespace, those of a node by
// their ancestor.
func (h *handler) selector(request control.SuspendRequest) (func(pid int, parents map[int]int) bool, error) {
	if request.Node == "" {
		namespace, err := h.podNamespace(request)
		if err != nil {
			return nil, err
		}
		return func(pid int, _ map[int]int) bool {
			var stat unix.Stat_t
			err := unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &stat)
			return err == nil && stat.Ino == namespace.Ino && stat.Dev == namespace.Dev
		}, nil
	}
	var roots []int
	for _, name := range []string{request.Node, "kube-proxy-" + request.Node} {
		pid, err := h.processes.pid(name)
		if err != nil {
			return nil, err
		}
		roots = append(roots, pid)
	}
	return func(pid int, parents map[int]int) bool {
		for ; pid > 1; pid = parents[pid] {
			if slices.Contains(roots, pid) {
				return true
			}
		}
		return false
	}, nil
}

// podNamespace returns the identity of a Pod's network namespace.
func (h *handler) podNamespace(request control.SuspendRequest) (unix.Stat_t, error) {
	var stat unix.Stat_t
	for _, planned := range h.spec.Network.Nodes {
		pod, err := agent.ReadPodNetwork(node.AgentDir(nodeDir(planned.Name)), request.Namespace, request.Pod)
		if errors.Is(err, agent.ErrNoPodNetwork) {
			continue
		}
		if err != nil {
			return stat, err
		}
		if err := unix.Stat(pod.NetworkNamespace, &stat); err != nil {
			return stat, fmt.Errorf("finding the network namespace of Pod %s/%s: %w", request.Namespace, request.Pod, err)
		}
		return stat, nil
	}
	return stat, fmt.Errorf("pod %s/%s: %w", request.Namespace, request.Pod, agent.ErrNoPodNetwork)
}

// signal sends a signal to the processes that belong, except for those that have got it, and returns to how many.
func signal(belongs func(pid int, parents map[int]int) bool, what syscall.Signal, got map[int]bool) (count int, err error) {
	parents, err := parentsOf("/proc")
	if err != nil {
		return 0, err
	}
	for pid := range parents {
		if got[pid] || !belongs(pid, parents) {
			continue
		}
		if err := syscall.Kill(pid, what); errors.Is(err, syscall.ESRCH) {
			continue // it has ended
		} else if err != nil {
			return count, fmt.Errorf("sending %s to process %d: %w", what, pid, err)
		}
		if got != nil {
			got[pid] = true
		}
		count++
	}
	return count, nil
}

// parentsOf returns the parent of each process, by process ID (proc(5), /proc/PID/stat).
func parentsOf(proc string) (map[int]int, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	parents := map[int]int{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(proc, entry.Name(), "stat"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return nil, fmt.Errorf("reading the parent of process %d: %w", pid, err)
		}
		// The name, in parentheses, may contain anything; the state and the parent follow.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			parents[pid] = parent
		}
	}
	return parents, nil
}
