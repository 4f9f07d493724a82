//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// namespaceKind is one of the namespaces that a Pod's containers share.
type namespaceKind struct {
	name string // as in /proc/thread-self/ns
	flag int
}

// namespaces are kept alive without a process by binding them to files.
type namespaces struct {
	dir   string
	kinds []namespaceKind
}

// newNamespaces makes namespaces with a thread of their own, which leaves them behind on files in dir. In the new
// network namespace the loopback interface is up and the sysctls are set.
func newNamespaces(dir string, o Options) (*namespaces, error) {
	n := &namespaces{dir: dir, kinds: []namespaceKind{{"uts", unix.CLONE_NEWUTS}}}
	if !o.HostNetwork {
		n.kinds = append(n.kinds, namespaceKind{"net", unix.CLONE_NEWNET})
	}
	if !o.HostIPC {
		n.kinds = append(n.kinds, namespaceKind{"ipc", unix.CLONE_NEWIPC})
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here, and with it what it was changed into
		failed <- n.create(o)
	}()
	if err := <-failed; err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *namespaces) create(o Options) error {
	flags := 0
	for _, k := range n.kinds {
		flags |= k.flag
	}
	if err := unix.Unshare(flags); err != nil {
		return fmt.Errorf("making the Pod's namespaces: %w", err)
	}
	if err := unix.Sethostname([]byte(o.Hostname)); err != nil {
		return fmt.Errorf("setting host name %q: %w", o.Hostname, err)
	}
	if !o.HostNetwork {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	for name, value := range o.Sysctls {
		if err := setSysctl(name, value); err != nil {
			return err
		}
	}
	for _, k := range n.kinds {
		if err := n.bind(k); err != nil {
			return err
		}
	}
	return nil
}

func (n *namespaces) bind(k namespaceKind) error {
	path := n.path(k.name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = unix.Mount("/proc/thread-self/ns/"+k.name, path, "", unix.MS_BIND, "")
	}
	if err != nil {
		return fmt.Errorf("keeping the Pod's %s namespace: %w", k.name, err)
	}
	return nil
}

func (n *namespaces) path(kind string) string { return filepath.Join(n.dir, kind) }

// has returns the path of a namespace, or "" if the Pod is in the node's.
func (n *namespaces) has(kind string) string {
	for _, k := range n.kinds {
		if k.name == kind {
			return n.path(kind)
		}
	}
	return ""
}

func (n *namespaces) close() error {
	var errs []error
	for _, k := range n.kinds {
		err := unix.Unmount(n.path(k.name), unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("releasing %s namespace: %w", k.name, err))
		}
		if err := os.Remove(n.path(k.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("releasing %s namespace: %w", k.name, err))
		}
	}
	return errors.Join(errs...)
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("enabling the loopback interface: %w", err)
	}
	return nil
}

// setSysctl writes a sysctl of the calling thread's namespaces. Dots and slashes may be exchanged, as in sysctl(8), so
// that an interface's name can hold a dot.
func setSysctl(name, value string) error {
	path := name
	if first := strings.IndexAny(name, "./"); first >= 0 && name[first] == '.' {
		path = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, name)
	}
	if !filepath.IsLocal(path) {
		return fmt.Errorf("sysctl %q: not a name", name)
	}
	if err := os.WriteFile(filepath.Join("/proc/sys", path), []byte(value), 0); err != nil {
		return fmt.Errorf("setting sysctl %s to %q: %w", name, value, err)
	}
	return nil
}
