//go:build linux

package container

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// capabilityNumbers maps Linux's capabilities by their names in Kubernetes, without "CAP_".
func capabilityNumbers() map[string]int {
	return map[string]int{
		"AUDIT_CONTROL": unix.CAP_AUDIT_CONTROL, "AUDIT_READ": unix.CAP_AUDIT_READ, "AUDIT_WRITE": unix.CAP_AUDIT_WRITE,
		"BLOCK_SUSPEND": unix.CAP_BLOCK_SUSPEND, "BPF": unix.CAP_BPF, "CHECKPOINT_RESTORE": unix.CAP_CHECKPOINT_RESTORE,
		"CHOWN": unix.CAP_CHOWN, "DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH,
		"FOWNER": unix.CAP_FOWNER, "FSETID": unix.CAP_FSETID, "IPC_LOCK": unix.CAP_IPC_LOCK, "IPC_OWNER": unix.CAP_IPC_OWNER,
		"KILL": unix.CAP_KILL, "LEASE": unix.CAP_LEASE, "LINUX_IMMUTABLE": unix.CAP_LINUX_IMMUTABLE,
		"MAC_ADMIN": unix.CAP_MAC_ADMIN, "MAC_OVERRIDE": unix.CAP_MAC_OVERRIDE, "MKNOD": unix.CAP_MKNOD,
		"NET_ADMIN": unix.CAP_NET_ADMIN, "NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "NET_BROADCAST": unix.CAP_NET_BROADCAST,
		"NET_RAW": unix.CAP_NET_RAW, "PERFMON": unix.CAP_PERFMON, "SETFCAP": unix.CAP_SETFCAP, "SETGID": unix.CAP_SETGID,
		"SETPCAP": unix.CAP_SETPCAP, "SETUID": unix.CAP_SETUID, "SYS_ADMIN": unix.CAP_SYS_ADMIN, "SYS_BOOT": unix.CAP_SYS_BOOT,
		"SYS_CHROOT": unix.CAP_SYS_CHROOT, "SYS_MODULE": unix.CAP_SYS_MODULE, "SYS_NICE": unix.CAP_SYS_NICE,
		"SYS_PACCT": unix.CAP_SYS_PACCT, "SYS_PTRACE": unix.CAP_SYS_PTRACE, "SYS_RAWIO": unix.CAP_SYS_RAWIO,
		"SYS_RESOURCE": unix.CAP_SYS_RESOURCE, "SYS_TIME": unix.CAP_SYS_TIME, "SYS_TTY_CONFIG": unix.CAP_SYS_TTY_CONFIG,
		"SYSLOG": unix.CAP_SYSLOG, "WAKE_ALARM": unix.CAP_WAKE_ALARM,
	}
}

// defaultCapabilities are containerd's defaults.
func defaultCapabilities() []string {
	return []string{
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
		"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

// Capabilities applies a securityContext's add and drop lists to the default set, as container runtimes do: "ALL"
// stands for every capability, and a name in both lists is dropped, unless ALL was dropped.
// Names may be in any case and start with CAP_. An unknown name is an error.
func Capabilities(add, drop []string) ([]string, error) {
	known := capabilityNumbers()
	set := map[string]bool{}
	for _, c := range defaultCapabilities() {
		set[c] = true
	}
	added, err := capabilityNames(add, known)
	if err != nil {
		return nil, err
	}
	dropped, err := capabilityNames(drop, known)
	if err != nil {
		return nil, err
	}
	if slices.Contains(added, allCapabilities) {
		for c := range known {
			set[c] = true
		}
	}
	if slices.Contains(dropped, allCapabilities) {
		clear(set)
	}
	for _, c := range added {
		set[c] = true
	}
	for _, c := range dropped {
		delete(set, c)
	}
	delete(set, allCapabilities)
	result := make([]string, 0, len(set))
	for c := range set {
		result = append(result, c)
	}
	slices.Sort(result)
	return result, nil
}

const allCapabilities = "ALL"

func capabilityNames(names []string, known map[string]int) ([]string, error) {
	result := make([]string, 0, len(names))
	for _, n := range names {
		n = strings.TrimPrefix(strings.ToUpper(n), "CAP_")
		if _, ok := known[n]; !ok && n != allCapabilities {
			return nil, fmt.Errorf("unknown capability %q", n)
		}
		result = append(result, n)
	}
	return result, nil
}

// capabilityBits turns names into the kernel's bit set.
func capabilityBits(names []string) uint64 {
	known := capabilityNumbers()
	var bits uint64
	for _, n := range names {
		if number, ok := known[n]; ok {
			bits |= 1 << number
		}
	}
	return bits
}

// limitCapabilities reduces the calling thread's bounding set to what is allowed, so that no program it runs can
// regain the rest. The thread's own capabilities stay until execve(2). Only the calling thread is changed.
func limitCapabilities(allowed uint64) error {
	for number := 0; number <= 63; number++ {
		set, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(number), 0, 0, 0)
		if err != nil { // EINVAL: the kernel has no more
			return nil //nolint:nilerr // the end of the list
		}
		if set == 0 || allowed&(1<<number) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(number), 0, 0, 0); err != nil {
			return fmt.Errorf("dropping capability %d: %w", number, err)
		}
	}
	return nil
}

// keepCapabilities lets the calling thread keep its permitted capabilities when its user changes from root to another,
// until execve(2). The program it becomes has none of them then, except for those of its file (capabilities(7),
// "Transformation of capabilities during execve"). With no_new_privs the kernel grants a file's capabilities only if the
// thread had them, as with runc.
func keepCapabilities() error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("keeping capabilities: %w", err)
	}
	return nil
}

// setCapabilities sets the calling thread's permitted and effective capabilities to those of the allowed that it has.
// The inheritable and ambient sets become empty: as in Kubernetes, a process that is not root gets capabilities only
// from its program's file.
func setCapabilities(allowed uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("reading capabilities: %w", err)
	}
	for i := range data {
		word := uint32(allowed >> (32 * i))
		data[i].Permitted &= word
		data[i].Effective = data[i].Permitted
		data[i].Inheritable = 0
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("setting capabilities: %w", err)
	}
	return nil
}
