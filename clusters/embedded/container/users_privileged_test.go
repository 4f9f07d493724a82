//go:build linux && privileged

package container

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/utils/ptr"
)

// Images of web servers link their log files to these.
func TestAnyUserCanOpenItsStreams(t *testing.T) {
	const script = "echo out > /dev/stdout; echo err > /dev/stderr"
	for _, terminal := range []bool{false, true} {
		spec := shell(t, script)
		spec.User, spec.TTY = User{UID: ptr.To[uint32](1000)}, terminal
		wantOut, wantErr := "out\n", "err\n"
		if terminal {
			wantOut, wantErr = "out\r\nerr\r\n", ""
		}
		if out, errOut, exit := run(t, spec); out != wantOut || errOut != wantErr || exit.Code != 0 {
			t.Errorf("terminal %v: wrote %q and %q, exit %d", terminal, out, errOut, exit.Code)
		}
		spec.Args = []string{"sleep", "60"}
		p, err := start(t, spec)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		e, err := Exec(p, spec, ExecSpec{Args: []string{"sh", "-c", script}, TTY: terminal})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if out, errOut, exit := finish(t, e); out != wantOut || errOut != wantErr || exit.Code != 0 {
			t.Errorf("terminal %v, exec: wrote %q and %q, exit %d", terminal, out, errOut, exit.Code)
		}
		p.Signal(unix.SIGKILL) //nolint:errcheck // ends the test's container
		<-p.Done()
	}
}

// addFileCapability gives a program a capability that is effective from its start: `setcap NAME+ep`.
func addFileCapability(t *testing.T, path string, capability int) {
	t.Helper()
	// struct vfs_cap_data of revision 2: magic and flags, then permitted and inheritable sets in words of 32 bits.
	const revision2, effective = 0x02000000, 1
	value := make([]byte, 20)
	binary.LittleEndian.PutUint32(value, revision2|effective)
	binary.LittleEndian.PutUint32(value[4:], 1<<capability)
	if err := unix.Setxattr(path, "security.capability", value, 0); err != nil {
		t.Fatal(err)
	}
}

// copyProgram copies one of the machine's programs into a root file system.
func copyProgram(t *testing.T, name, root string) string {
	t.Helper()
	from, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(root, "program")
	if err := os.WriteFile(to, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

// What ingress-nginx does: an unprivileged user, all capabilities dropped but one, and a program that has that one.
func TestFileCapabilities(t *testing.T) {
	show := []string{"/program", "CapEff", "/proc/self/status"}
	for _, noNewPrivileges := range []bool{false, true} {
		spec := shell(t, "")
		addFileCapability(t, copyProgram(t, "grep", spec.RootFS), unix.CAP_NET_BIND_SERVICE)
		spec.Args = show
		spec.User, spec.NoNewPrivileges = User{UID: ptr.To[uint32](101)}, noNewPrivileges
		spec.Capabilities = []string{"NET_BIND_SERVICE"}
		const want = "CapEff:\t0000000000000400\n"
		if out, errOut, exit := run(t, spec); out != want {
			t.Errorf("no_new_privs %v: has %q (%s), exit %d", noNewPrivileges, out, errOut, exit.Code)
		}
		spec.Args = []string{"sleep", "60"}
		p, err := start(t, spec)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		e, err := Exec(p, spec, ExecSpec{Args: show})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if out, errOut, _ := finish(t, e); out != want {
			t.Errorf("no_new_privs %v, exec: has %q (%s)", noNewPrivileges, out, errOut)
		}
		p.Signal(unix.SIGKILL) //nolint:errcheck // ends the test's container
		<-p.Done()
	}
}

func TestCopiesOfProgramsKeepTheirCapabilities(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	addFileCapability(t, copyProgram(t, "true", from), unix.CAP_NET_BIND_SERVICE)
	if err := copyTree(from, to); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 64)
	if n, err := unix.Getxattr(filepath.Join(to, "program"), "security.capability", value); err != nil || n != 20 || value[5] != 4 {
		t.Errorf("the copy has capabilities %v, %v", value[:max(n, 0)], err)
	}
}

func TestMountPathsOfAnyForm(t *testing.T) {
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "hosts")
	write(t, filepath.Join(folder, "a"), "a")
	write(t, file, "f")
	for _, destination := range []string{"/new/folder/", "/new//folder/./", "new/folder", "/new/../new/folder"} {
		spec := shell(t, "cat /new/folder/a /new/file")
		spec.Mounts = append(spec.Mounts, Mount{Source: folder, Destination: destination},
			Mount{Source: file, Destination: strings.Replace(destination, "folder", "file", 1)})
		p, err := start(t, spec)
		if err != nil {
			t.Errorf("%s: %v", destination, err)
			continue
		}
		if out, errOut, _ := finish(t, p); out != "af" {
			t.Errorf("%s: %q (%s)", destination, out, errOut)
		}
		p.Close()
	}
}
