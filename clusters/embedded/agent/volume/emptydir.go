//go:build linux

package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// makeEmptyDir makes a world-writable folder, as the kubelet does. With medium Memory it is a tmpfs with the size
// limit; otherwise it shares the node's space, without a limit.
func makeEmptyDir(dir string, source *corev1.EmptyDirVolumeSource, group *int64) error {
	if err := os.Mkdir(dir, 0o777); errors.Is(err, fs.ErrExist) {
		return nil // made by an earlier call
	} else if err != nil {
		return err
	}
	if source.Medium == corev1.StorageMediumMemory {
		options := "mode=0777"
		if source.SizeLimit != nil && !source.SizeLimit.IsZero() {
			options += fmt.Sprintf(",size=%d", source.SizeLimit.Value())
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
			return errors.Join(fmt.Errorf("mounting tmpfs: %w", err), os.Remove(dir))
		}
	}
	mode := fs.FileMode(0o777)
	if group != nil {
		if err := giveTo(dir, -1, int(*group)); err != nil {
			return err
		}
		mode |= fs.ModeSetgid
	}
	return os.Chmod(dir, mode)
}
