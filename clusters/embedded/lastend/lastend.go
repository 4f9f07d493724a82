// Package lastend keeps the reason why a cluster ended by itself. One in the background has no terminal: its supervisor leaves the
// reason in a file, for the next command that looks for the cluster.
package lastend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// file is the path of the file with the reason why the last cluster of a name ended by itself.
func file(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache: %w", err)
	}
	return filepath.Join(cache, "ingress-testbed", name, "ended"), nil
}

// Record records why a cluster ended by itself.
func Record(name string, when time.Time, reason error) error {
	path, err := file(name)
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

// Reason is when and why the last cluster of a name ended by itself; "" if it didn't, or if that is unknown.
func Reason(name string) string {
	path, err := file(name)
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Forget removes what Reason returns.
func Forget(name string) error {
	path, err := file(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the record of a cluster that ended: %w", err)
	}
	return nil
}
