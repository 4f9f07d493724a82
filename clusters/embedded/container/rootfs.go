//go:build linux

package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// enterRootFS builds the container's root file system and makes it the root of this mount namespace. Mounts are first
// opened as detached copies, and attached after pivot_root, so that no symbolic link in an image or volume can
// redirect a mount out of the container. The old root stays attached, hidden, until the end, because in a user
// namespace the kernel lets a new /proc or /sys be mounted only where an old one is.
func enterRootFS(spec Spec, maps idMaps) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	mounts, err := holdMounts(spec.Mounts)
	if err != nil {
		return err
	}
	devices, err := holdDevices(spec.Privileged)
	if err != nil {
		return err
	}
	root, err := prepareRoot(spec, maps)
	if err != nil {
		return err
	}
	oldRoot, err := os.Open("/")
	if err != nil {
		return fmt.Errorf("opening the old root: %w", err)
	}
	if err := os.Chdir(root); err != nil {
		return fmt.Errorf("entering the new root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("entering the new root: %w", err)
	}
	if err := mountSystem(spec, devices, maps); err != nil {
		return err
	}
	for _, m := range mounts {
		if err := m.attach(); err != nil {
			return err
		}
	}
	if err := detach(oldRoot); err != nil {
		return err
	}
	if err := protect(spec.Privileged); err != nil {
		return err
	}
	if spec.ReadOnly {
		return setReadOnly("/", false)
	}
	return nil
}

// detach unmounts the old root, which pivot_root(".", ".") stacked on top of the new one.
func detach(oldRoot *os.File) error {
	err := unix.Fchdir(int(oldRoot.Fd()))
	if err == nil {
		err = unix.Unmount(".", unix.MNT_DETACH)
	}
	if err = errors.Join(err, oldRoot.Close(), os.Chdir("/")); err != nil {
		return fmt.Errorf("detaching the old root: %w", err)
	}
	return nil
}

// prepareRoot mounts the image with a tmpfs for writes, and returns the mount point.
func prepareRoot(spec Spec, maps idMaps) (string, error) {
	options := "mode=0755"
	if spec.ScratchBytes > 0 {
		options += ",size=" + strconv.FormatInt(spec.ScratchBytes, 10)
	}
	if err := unix.Mount("tmpfs", spec.Scratch, "tmpfs", 0, options); err != nil {
		return "", fmt.Errorf("mounting scratch space: %w", err)
	}
	root := filepath.Join(spec.Scratch, "root")
	upper := filepath.Join(spec.Scratch, "upper")
	work := filepath.Join(spec.Scratch, "work")
	for _, dir := range []string{root, upper, work} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", fmt.Errorf("making scratch space: %w", err)
		}
	}
	overlay := mountOverlay(spec.RootFS, upper, work, root, maps.userNamespaced())
	if overlay == nil {
		return root, nil
	}
	// Some kernels refuse overlays, most often inside user namespaces or on top of other overlays. A copy then costs
	// more time and memory.
	if err := copyTree(spec.RootFS, root); err != nil {
		return "", fmt.Errorf("copying the image after the overlay failed (%w): %w", overlay, err)
	}
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil { // pivot_root requires a mount
		return "", fmt.Errorf("mounting the copy of the image: %w", err)
	}
	return root, nil
}

func mountOverlay(lower, upper, work, root string, userNamespaced bool) error {
	// A colon would separate layers, and a comma options.
	escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`, `,`, `\,`)
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", escape.Replace(lower), escape.Replace(upper), escape.Replace(work))
	if userNamespaced {
		// The overlay's metadata are "trusted" attributes, which only the machine's root may write, or "user" ones.
		options += ",userxattr"
	}
	return unix.Mount("overlay", root, "overlay", 0, options)
}
