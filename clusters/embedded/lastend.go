package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A cluster in the background has no terminal. If it ends by itself, its supervisor leaves the reason in a file, for the next command
// that looks for the cluster.

// lastEndPath is the file with the reason why the last cluster of a name ended by itself.
func lastEndPath(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache: %w", err)
	}
	return filepath.Join(cache, "ingress-testbed", name, "ended"), nil
}

// recordEnd records why a cluster ended by itself.
func recordEnd(name string, when time.Time, reason error) error {
	path, err := lastEndPath(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("recording the end of cluster %q: %w", name, err)
	}
	text := fmt.Sprintf("it ended at %s, because %s\n", when.Format(time.TimeOnly), reason)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("recording the end of cluster %q: %w", name, err)
	}
	return nil
}

// LastEnd says when and why the last cluster of a name ended by itself; "" if it didn't, or if that is unknown.
func LastEnd(name string) string {
	path, err := lastEndPath(name)
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ForgetEnd forgets what LastEnd says.
func ForgetEnd(name string) error {
	path, err := lastEndPath(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the record of a cluster that ended: %w", err)
	}
	return nil
}
