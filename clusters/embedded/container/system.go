//go:build linux

package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// deviceNames are the devices of every container. They are bind mounts, as mknod is forbidden in user namespaces.
func deviceNames() []string { return []string{"null", "zero", "full", "random", "urandom", "tty"} }

func holdDevices(privileged bool) ([]heldMount, error) {
	if privileged {
		all, err := hold(Mount{Source: "/dev", Destination: "/dev", Recursive: true})
		return []heldMount{all}, err
	}
	var mounts []Mount
	for _, name := range deviceNames() {
		path := filepath.Join("/dev", name)
		mounts = append(mounts, Mount{Source: path, Destination: path})
	}
	return holdMounts(mounts)
}

// mountSystem mounts /proc, /sys and /dev in the current root.
func mountSystem(spec Spec, devices []heldMount, maps idMaps) error {
	sysFlags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if !spec.Privileged {
		sysFlags |= unix.MS_RDONLY
	}
	if err := mountAt("/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("%w (in a user namespace the outer /proc must not be covered in part, as it is in most containers)", err)
	}
	if err := mountAt("/sys", "sysfs", sysFlags, ""); err != nil {
		return err
	}
	// There may be no cgroup v2 hierarchy; nothing depends on it.
	mountAt("/sys/fs/cgroup", "cgroup2", sysFlags, "") //nolint:errcheck // see above
	if spec.Privileged {
		return attachAll(devices)
	}
	return mountDev(devices, maps)
}

func mountDev(devices []heldMount, maps idMaps) error {
	if err := mountAt("/dev", "tmpfs", unix.MS_NOSUID|unix.MS_STRICTATIME, "mode=0755,size=64k"); err != nil {
		return err
	}
	if err := attachAll(devices); err != nil {
		return err
	}
	for link, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1",
		"/dev/stderr": "/proc/self/fd/2", "/dev/ptmx": "pts/ptmx", "/dev/core": "/proc/kcore",
	} {
		if err := os.Symlink(target, link); err != nil {
			return fmt.Errorf("making %s: %w", link, err)
		}
	}
	// Group 5 is "tty" everywhere; a user namespace may not have it.
	options := "newinstance,ptmxmode=0666,mode=0620"
	if maps.groups.has(ttyGroup) {
		options += fmt.Sprintf(",gid=%d", ttyGroup)
	}
	if err := mountAt("/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options); err != nil {
		return err
	}
	if err := mountAt("/dev/mqueue", "mqueue", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	return mountAt("/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=1777,size=64m")
}

const ttyGroup = 5

func attachAll(held []heldMount) error {
	for _, h := range held {
		if err := h.attach(); err != nil {
			return err
		}
	}
	return nil
}

func mountAt(target, kind string, flags uintptr, options string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", target, err)
	}
	if err := unix.Mount(kind, target, kind, flags, options); err != nil {
		return fmt.Errorf("mounting %s: %w", target, err)
	}
	return nil
}

// protect masks the paths of /proc and /sys that all container engines mask or make read-only. Paths that this kernel
// lacks are skipped.
func protect(privileged bool) error {
	if privileged {
		return nil
	}
	for _, path := range []string{
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		"/sys/devices/virtual/powercap",
	} {
		if err := mask(path); err != nil {
			return err
		}
	}
	for _, path := range []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"} {
		err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("protecting %s: %w", path, err)
		}
		if err := setReadOnly(path, true); err != nil {
			return err
		}
	}
	return nil
}

func mask(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.IsDir() {
		err = unix.Mount("tmpfs", path, "tmpfs", unix.MS_RDONLY, "size=0")
	} else if err == nil {
		err = unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
	}
	if err != nil {
		return fmt.Errorf("masking %s: %w", path, err)
	}
	return nil
}
