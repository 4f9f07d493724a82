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
	// logDir is where the cluster's own logs go, in the folder of the reports.
	logDir = "cluster-logs"
	// logMark is a file that says in there that the folder is the test-bed's.
	logMark = ".ingress-testbed"
)

// clusterLogs is the folder for the cluster's own logs.
type clusterLogs struct{ dir string }

func logsIn(reportDir string) clusterLogs { return clusterLogs{filepath.Join(reportDir, logDir)} }

// removeStale removes the logs of a run before, which would be taken for this one's. A folder of somebody else's under
// that name stays, and is an error.
func (l clusterLogs) removeStale() error {
	if _, err := os.Lstat(l.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(l.dir, logMark)); err != nil {
		return fmt.Errorf("%s is in the way of the cluster's logs, and was not made by a run: remove it, or choose another folder with --reports", l.dir)
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("removing the logs of the run before: %w", err)
	}
	return nil
}

// export fills it.
func (l clusterLogs) export(ctx context.Context, cluster clusters.Cluster) error {
	err := os.MkdirAll(l.dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(l.dir, logMark), []byte("Made by testbed run, and removed by the next.\n"), 0o644)
	}
	if err == nil {
		err = cluster.ExportLogs(ctx, l.dir)
	}
	if err != nil {
		return fmt.Errorf("keeping the cluster's logs: %w", err)
	}
	return nil
}
