package kind

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// commandInterval is how often waitCommands looks.
const commandInterval = 50 * time.Millisecond

// clusterLabel is the label that kind gives the containers of a cluster.
const clusterLabel = "io.x-k8s.kind.cluster="

// waitCommands waits until no child process of this one is a command of the engine about the cluster's containers, such
// as the `docker run` that creates one.
func (engine) waitCommands(ctx context.Context, cluster string) error {
	ticker := time.NewTicker(commandInterval)
	defer ticker.Stop()
	for hasChildWith(clusterLabel + cluster) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until the containers of kind cluster %q are created, to delete them: %w", cluster, context.Cause(ctx))
		}
	}
	return nil
}

// hasChildWith reports whether this process has a child with the argument (proc_pid_task_tid_children(5)).
func hasChildWith(argument string) bool {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return false
	}
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, pid := range bytes.Fields(pids) {
			//nolint:gosec // the path is made of process ids of the kernel's own
			arguments, err := os.ReadFile(filepath.Join("/proc", string(pid), "cmdline"))
			if err != nil {
				continue // the process has ended
			}
			for field := range bytes.SplitSeq(arguments, []byte{0}) {
				if string(field) == argument {
					return true
				}
			}
		}
	}
	return false
}
