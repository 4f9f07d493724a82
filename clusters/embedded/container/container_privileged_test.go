//go:build privileged

package container

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitArgument {
		Init()
	}
	os.Exit(m.Run())
}

// newRootFS makes a root file system with busybox, if there is one, or else with the machine's own shell and tools.
func newRootFS(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"bin", "etc", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/var/www:/bin/sh\n")
	write(t, filepath.Join(root, "etc/group"), "root:x:0:\nweb:x:33:\nlogs:x:44:web\n")
	return root
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// machineTools gives the container the machine's programs, read-only.
func machineTools(t *testing.T) []Mount {
	t.Helper()
	mounts := []Mount{}
	for _, dir := range []string{"/usr", "/lib", "/lib64", "/bin", "/sbin"} {
		if _, err := os.Stat(dir); err == nil {
			mounts = append(mounts, Mount{Source: dir, Destination: dir, ReadOnly: true})
		}
	}
	return mounts
}

func shell(t *testing.T, script string) Spec {
	t.Helper()
	capabilities, err := Capabilities(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{
		Scratch: t.TempDir(), RootFS: newRootFS(t), Mounts: machineTools(t),
		Args: []string{"sh", "-c", script}, Capabilities: capabilities,
	}
}

// run starts a container and returns all it says and how it ended.
func run(t *testing.T, spec Spec) (string, string, Exit) {
	t.Helper()
	p, err := NewLauncher("").Start(spec)
	if err != nil {
		t.Fatalf("starting: %v", err)
	}
	defer p.Close()
	stdout, stderr := make(chan string), make(chan string)
	for from, to := range map[*os.File]chan string{p.Stdout: stdout, p.Stderr: stderr} {
		go func() {
			all, _ := io.ReadAll(from)
			to <- string(all)
		}()
	}
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		p.Signal(unix.SIGKILL)
		t.Fatal("the container did not end")
	}
	return <-stdout, <-stderr, p.Exit()
}

func TestContainerSeesItsOwnWorld(t *testing.T) {
	cases := []struct{ name, script, want string }{
		{"its process is the first", "echo $$", "1"},
		{"processes are its own", "ls -d /proc/[0-9]* | wc -l | tr -d ' '", "3"}, // sh, ls, wc (or a subset)
		{"root is writable", "echo x > /file && cat /file", "x"},
		{"devices", "head -c 3 /dev/zero | wc -c | tr -d ' '", "3"},
		{"null device", "echo gone > /dev/null; echo $?", "0"},
		{"sys is read-only", "(echo x > /sys/x) 2>/dev/null; echo $?", "2"},
		{"sysctls are read-only", "(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo refused", "refused"},
		{"kcore is masked", "wc -c < /proc/kcore | tr -d ' '", "0"},
		{"shared memory", "echo x > /dev/shm/x && cat /dev/shm/x", "x"},
		{"host files are out of sight", "ls /root 2>/dev/null | wc -l | tr -d ' '", "0"},
		{"only the default capabilities", "grep CapEff /proc/self/status | cut -f2", "00000000a80425fb"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, exit := run(t, shell(t, c.script))
			got := strings.TrimSpace(out)
			if c.name == "processes are its own" {
				if got == "2" || got == "3" || got == "4" {
					return
				}
			}
			if got != c.want {
				t.Errorf("said %q (%s), exit %d, want %q", got, errOut, exit.Code, c.want)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	cases := []struct {
		name, script string
		code         int
	}{{"success", "exit 0", 0}, {"failure", "exit 3", 3}, {"killed", "kill -9 $$; sleep 5 & wait; exit 4", 4}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, _, exit := run(t, shell(t, c.script)); exit.Code != c.code {
				t.Errorf("exit code %d, want %d", exit.Code, c.code)
			}
		})
	}
}

func TestMachineHasATool(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
}
