package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/clusters"
)

const (
	// logDir is the folder for the cluster's own logs, in that of the reports.
	logDir = "cluster-logs"
	// logMark is a file that marks the folder as created by a run.
	logMark = ".ingress-testbed"
)

// clusterLogs is the folder for the logs of a cluster.
type clusterLogs struct{ dir string }

func logsIn(reportDir string) clusterLogs { return clusterLogs{filepath.Join(reportDir, logDir)} }

// removeStale removes the logs of an earlier run, which could be mistaken for those of this one. A folder of that name
// that no run has created is kept, and is an error.
func (l clusterLogs) removeStale() error {
	if _, err := os.Lstat(l.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(l.dir, logMark)); err != nil {
		return fmt.Errorf("%s exists and was not created by a run, so the cluster's logs can't be written there: remove it, or choose another folder with --reports", l.dir)
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("removing the logs of an earlier run: %w", err)
	}
	return nil
}

// export writes the cluster's logs.
func (l clusterLogs) export(ctx context.Context, cluster clusters.Cluster) error {
	err := os.MkdirAll(l.dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(l.dir, logMark), []byte("Created by testbed run, and removed by the next run.\n"), 0o644)
	}
	if err == nil {
		err = cluster.ExportLogs(ctx, l.dir)
	}
	if err != nil {
		return fmt.Errorf("exporting the cluster's logs: %w", err)
	}
	return nil
}
