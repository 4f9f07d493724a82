package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Check returns an error, with the remedy, if the cluster can't be created: a setting is invalid, this machine lacks something,
// the name is taken, or a program is not built. It starts nothing.
func (c Config) Check(ctx context.Context) error {
	c, err := c.WithDefaults()
	if err != nil {
		return err
	}
	if err := checkMachine(haveProgram); err != nil {
		return err
	}
	if _, err := Find(ctx, c.Name); err == nil {
		return NameTaken(c.Name)
	} else if !errors.Is(err, ErrNotRunning) {
		return err
	}
	_, err = c.Programs()
	return err
}

// checkMachine checks that this machine meets the requirements of embedded clusters.
func checkMachine(haveProgram func(string) bool) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the embedded cluster needs Linux, this is %s: use CLUSTER=kind, or run it in a Linux machine", runtime.GOOS)
	}
	if !haveProgram("nft") {
		return errors.New("nft is missing: install Debian's or Fedora's package nftables (as root: apt-get install nftables)")
	}
	return nil
}

// systemFolders have programs such as nft. Debian's users lack them in their PATH.
func systemFolders() []string { return []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} }

// haveProgram looks in the PATH and in the system's folders.
func haveProgram(name string) bool {
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	for _, dir := range systemFolders() {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// environment is this process's, with the system's folders at the end of its PATH.
func environment() []string {
	path := append(filepath.SplitList(os.Getenv("PATH")), systemFolders()...)
	return append(os.Environ(), "PATH="+strings.Join(path, string(filepath.ListSeparator)))
}

// explainNamespaces adds the remedy to the error of a kernel that refuses namespaces.
func explainNamespaces(err error) error {
	refused := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EUSERS) || errors.Is(err, syscall.EINVAL)
	if !refused {
		return fmt.Errorf("starting the test network: %w", err)
	}
	if mayAdminister() {
		return fmt.Errorf("the kernel refuses to make namespaces (see `sysctl user`): %w", err)
	}
	// The error itself (ENOSPC's "no space left on device", for one) would only mislead.
	return fmt.Errorf("this kernel does not let an ordinary user make namespaces: run as root, or allow it with %s",
		strings.Join(userNamespaceRemedies(), " and "))
}

// userNamespaceRemedies lists the commands that may allow user namespaces on this machine.
func userNamespaceRemedies() []string {
	var remedies []string
	for _, setting := range []struct{ path, bad, command string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "`sysctl kernel.unprivileged_userns_clone=1`"},
		{"/proc/sys/user/max_user_namespaces", "0", "`sysctl user.max_user_namespaces=15000`"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`"},
	} {
		value, err := os.ReadFile(setting.path)
		if err == nil && strings.TrimSpace(string(value)) == setting.bad {
			remedies = append(remedies, setting.command)
		}
	}
	if len(remedies) == 0 {
		remedies = append(remedies, "a security profile (AppArmor, SELinux, seccomp) that permits user namespaces")
	}
	return remedies
}
