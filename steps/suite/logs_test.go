package suite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/steps/suite"
)

// failing is a cluster with logs that fails to load images.
type failing struct{ clusters.Cluster }

func (failing) LoadImage(context.Context, string) error { return errors.New("no room for images") }
func (failing) Destroy(context.Context) error           { return nil }
func (failing) ExportLogs(_ context.Context, dir string) error {
	return os.WriteFile(filepath.Join(dir, "etcd.log"), nil, 0o600)
}

func TestLogsOfAnEarlierRunAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	given := options(t)
	log := filepath.Join(given.ReportDir, "cluster-logs", "etcd.log")
	failed := given
	failed.Images = []string{os.Args[0]}
	failed.NewCluster = func(context.Context) (clusters.Cluster, error) { return failing{}, nil }
	if _, err := suite.Run(t.Context(), failed); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Fatal(err)
	}
	if _, err := os.Stat(log); err != nil {
		t.Fatalf("a failed run exported no logs: %v", err)
	}
	if _, err := suite.Run(t.Context(), given); errors.Is(err, suite.ErrInput) {
		t.Fatal(err)
	}
	if _, err := os.Stat(log); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the logs of the earlier run still exist: %v", err)
	}
}

func TestForeignLogFolderIsKept(t *testing.T) {
	given := options(t)
	own := filepath.Join(given.ReportDir, "cluster-logs", "diary.txt")
	if err := errors.Join(os.MkdirAll(filepath.Dir(own), 0o755), os.WriteFile(own, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := suite.Run(t.Context(), given); !errors.Is(err, suite.ErrInput) || !strings.Contains(err.Error(), "--reports") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(own); err != nil {
		t.Error(err)
	}
}

// A run removes the temporary files that killed runs have left, and leaves none itself.
func TestARunLeavesNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	left := filepath.Join(dir, "testbed-captures-1")
	if err := errors.Join(os.Mkdir(left, 0o700), os.WriteFile(left+".lock", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, _ = suite.Run(t.Context(), options(t))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("the remaining files are %v, %v", entries, err)
	}
}
