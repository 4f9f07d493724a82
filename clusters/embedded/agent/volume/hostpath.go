//go:build linux

package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
)

// checkHostPath checks or creates the path of a hostPath volume, according to its type. The nodes of an embedded
// cluster share one file system, the cluster's.
func checkHostPath(source *corev1.HostPathVolumeSource) error {
	kind := corev1.HostPathUnset
	if source.Type != nil {
		kind = *source.Type
	}
	switch kind {
	case corev1.HostPathDirectoryOrCreate:
		return os.MkdirAll(source.Path, 0o755)
	case corev1.HostPathFileOrCreate:
		f, err := os.OpenFile(source.Path, os.O_CREATE|os.O_RDONLY, 0o644)
		if err != nil {
			return err
		}
		return f.Close()
	}
	info, err := os.Stat(source.Path)
	if errors.Is(err, fs.ErrNotExist) && kind == corev1.HostPathUnset {
		return os.MkdirAll(source.Path, 0o755) // as container runtimes do for a bind mount
	}
	if err != nil {
		return fmt.Errorf("hostPath type check failed: %w", err)
	}
	if !matches(info.Mode(), kind) {
		return fmt.Errorf("hostPath type check failed: %s is not a %s", filepath.Clean(source.Path), kind)
	}
	return nil
}

func matches(mode fs.FileMode, kind corev1.HostPathType) bool {
	switch kind {
	case corev1.HostPathDirectory:
		return mode.IsDir()
	case corev1.HostPathFile:
		return mode.IsRegular()
	case corev1.HostPathSocket:
		return mode&fs.ModeSocket != 0
	case corev1.HostPathCharDev:
		return mode&fs.ModeCharDevice != 0
	case corev1.HostPathBlockDev:
		return mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
	}
	return true
}
