//go:build linux && privileged

package container

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/utils/ptr"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitArgument {
		Init()
	}
	os.Exit(m.Run())
}

// newRootFS makes a root file system with accounts. The programs in it are the machine's: see shell.
func newRootFS(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/srv:/bin/sh\n")
	write(t, filepath.Join(root, "etc/group"), "root:x:0:\nweb:x:33:\nlogs:x:44:web\n")
	write(t, filepath.Join(root, "etc/image"), "from the image")
	return root
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shell specifies a container that runs a script with the machine's own programs, mounted read-only.
func shell(t *testing.T, script string) Spec {
	t.Helper()
	capabilities, err := Capabilities(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Scratch: t.TempDir(), RootFS: newRootFS(t), Args: []string{"sh", "-c", script}, Capabilities: capabilities}
	for _, dir := range []string{"/usr", "/lib", "/lib64", "/bin", "/sbin"} {
		if _, err := os.Stat(dir); err == nil {
			spec.Mounts = append(spec.Mounts, Mount{Source: dir, Destination: dir, ReadOnly: true})
		}
	}
	return spec
}

func start(t *testing.T, spec Spec) (*Process, error) {
	t.Helper()
	l := NewLauncher("")
	t.Cleanup(l.Close)
	return l.Start(spec)
}

// run runs a container and returns its output.
func run(t *testing.T, spec Spec) (stdout, stderr string, exit Exit) {
	t.Helper()
	p, err := start(t, spec)
	if err != nil {
		t.Fatalf("starting: %v", err)
	}
	defer p.Close()
	return finish(t, p)
}

func finish(t *testing.T, p *Process) (stdout, stderr string, exit Exit) {
	t.Helper()
	read := func(f *os.File) chan string {
		text := make(chan string, 1)
		if f == nil {
			text <- ""
			return text
		}
		go func() {
			all, _ := io.ReadAll(f) // a terminal ends with an error
			text <- string(all)
		}()
		return text
	}
	out, err := read(p.Stdout), read(p.Stderr)
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		p.Signal(unix.SIGKILL) //nolint:errcheck // the test has failed anyway
		t.Fatal("it did not end")
	}
	return <-out, <-err, p.Exit()
}

func TestContainerSeesItsOwnWorld(t *testing.T) {
	cases := []struct{ name, script, want string }{
		{"it is the first process", "echo $$", "1"},
		{"the machine's processes are out of sight", "ls -d /proc/[0-9]* | grep -c -v '^/proc/[1-9]$'", "0"},
		{"the image is there", "cat /etc/image", "from the image"},
		{"the root is writable", "echo x > /etc/image && cat /etc/image", "x"},
		{"the machine's files are out of sight", "ls / | grep -c -x root", "0"},
		{"devices work", "head -c 3 /dev/zero | wc -c; echo gone > /dev/null; head -c 2 /dev/urandom | wc -c", "3\n2"},
		{"terminals are its own", "ls /dev/pts", "ptmx"},
		{"shared memory", "echo x > /dev/shm/x && cat /dev/shm/x", "x"},
		{"/sys is read-only", "(echo x > /sys/kernel/x) 2>/dev/null || echo refused", "refused"},
		{"sysctls are read-only", "(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo refused", "refused"},
		{"keys are masked", "wc -c < /proc/keys", "0"},
		{"only the default capabilities", "grep -E 'CapEff|CapBnd' /proc/self/status | cut -f2 | sort -u", "00000000a80425fb"},
		{"PATH and HOME", "echo $PATH $HOME", defaultPath + " /root"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, exit := run(t, shell(t, c.script))
			if strings.TrimSpace(out) != c.want {
				t.Errorf("said %q (%s), exit %d, want %q", out, errOut, exit.Code, c.want)
			}
		})
	}
}

func TestImageIsNeverWrittenTo(t *testing.T) {
	spec := shell(t, "echo changed > /etc/image; rm /etc/group; touch /etc/new")
	if _, errOut, exit := run(t, spec); exit.Code != 0 {
		t.Fatalf("exit %d: %s", exit.Code, errOut)
	}
	raw, err := os.ReadFile(filepath.Join(spec.RootFS, "etc/image"))
	if err != nil || string(raw) != "from the image" {
		t.Errorf("the image has %q, %v", raw, err)
	}
	if left, err := os.ReadDir(spec.Scratch); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRights(t *testing.T) {
	status := "grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status | cut -f2 | tr '\\n' ' '; id -u; id -g; id -G"
	cases := []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{"named user of the image", func(s *Spec) { s.User = User{Image: "web"} }, "0000000000000000 00000000a80425fb 0 33\n33\n33 44"},
		{"the Pod's user", func(s *Spec) { s.User = User{UID: ptr.To[uint32](1000), GID: ptr.To[uint32](2000), Extra: []uint32{5}} }, "0000000000000000 00000000a80425fb 0 1000\n2000\n2000 5"},
		{"one capability", func(s *Spec) { s.Capabilities = []string{"NET_BIND_SERVICE"} }, "0000000000000400 0000000000000400 0 0\n0\n0"},
		{"no new privileges", func(s *Spec) { s.NoNewPrivileges, s.Capabilities = true, nil }, "0000000000000000 0000000000000000 1 0\n0\n0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spec := shell(t, status)
			c.change(&spec)
			if out, errOut, _ := run(t, spec); strings.TrimSpace(out) != c.want {
				t.Errorf("has %q (%s), want %q", strings.TrimSpace(out), errOut, c.want)
			}
			p, err := start(t, func() Spec { spec.Args = []string{"sleep", "60"}; return spec }())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			e, err := Exec(p, spec, ExecSpec{Args: []string{"sh", "-c", status}})
			if err != nil {
				t.Fatal(err)
			}
			if out, errOut, _ := finish(t, e); strings.TrimSpace(out) != c.want {
				t.Errorf("a program run in it has %q (%s), want %q", strings.TrimSpace(out), errOut, c.want)
			}
			e.Close()
			p.Signal(unix.SIGKILL) //nolint:errcheck // ends the test's container
			<-p.Done()
		})
	}
}

func TestMounts(t *testing.T) {
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "hosts")
	write(t, filepath.Join(folder, "a"), "in the folder")
	write(t, file, "in the file")
	spec := shell(t, "cat /data/deep/a /etc/hosts; touch /data/deep/b && touch /ro/b; touch /x; readlink /link")
	spec.ReadOnly = true
	if err := os.Symlink("/outside", filepath.Join(spec.RootFS, "link")); err != nil {
		t.Fatal(err)
	}
	spec.Mounts = append(spec.Mounts,
		Mount{Source: folder, Destination: "/data/deep"}, Mount{Source: folder, Destination: "/ro", ReadOnly: true},
		Mount{Source: file, Destination: "/etc/hosts"}, Mount{Source: folder, Destination: "/link/sub"})
	out, errOut, _ := run(t, spec)
	if out != "in the folderin the file/outside\n" {
		t.Errorf("said %q", out)
	}
	if strings.Count(errOut, "Read-only file system") != 2 {
		t.Errorf("errors %q, want two about read-only files", errOut)
	}
	if _, err := os.Stat("/outside"); err == nil {
		t.Error("a link in the image led a mount out of the container")
	}
	if _, err := os.Stat(filepath.Join(folder, "b")); err != nil {
		t.Errorf("what it wrote to its volume: %v", err)
	}
}

func TestExitAndSignals(t *testing.T) {
	if _, _, exit := run(t, shell(t, "exit 3")); exit.Code != 3 {
		t.Errorf("exit %+v, want 3", exit)
	}
	p, err := start(t, shell(t, "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := io.ReadFull(p.Stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if out, _, exit := finish(t, p); out != "bye\n" || exit.Code != 5 {
		t.Errorf("said %q, exit %+v", out, exit)
	}
	p, err = start(t, shell(t, "sleep 60 & sleep 60"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// The pipes close only when the child in the background has ended, too.
	if _, _, exit := finish(t, p); exit.Code != 137 || exit.Signal != unix.SIGKILL {
		t.Errorf("exit %+v, want 137", exit)
	}
}

func TestStartErrors(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Spec)
		want   string
	}{
		{"no program", func(s *Spec) { s.Args = []string{"nosuch"} }, `exec: "nosuch": executable file not found in $PATH`},
		{"no such path", func(s *Spec) { s.Args = []string{"/no/such"} }, `exec: "/no/such": no such file or directory`},
		{"not executable", func(s *Spec) { s.Args = []string{"/etc/passwd"} }, `exec: "/etc/passwd": permission denied`},
		{"no user", func(s *Spec) { s.User = User{Image: "nobody-here"} }, `the image has no user "nobody-here"`},
		{"no volume", func(s *Spec) { s.Mounts = append(s.Mounts, Mount{Source: "/no/such", Destination: "/x"}) }, "mounting /no/such at /x: no such file or directory"},
		{"nothing to run", func(s *Spec) { s.Args = nil }, "no command"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spec := shell(t, "true")
			c.change(&spec)
			p, err := start(t, spec)
			if err == nil {
				p.Close()
				t.Fatal("it started")
			}
			var startError *StartError
			if !errors.As(err, &startError) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want a StartError with %q", err, c.want)
			}
		})
	}
}

func TestExecWithATerminal(t *testing.T) {
	spec := shell(t, "sleep 60")
	p, err := start(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	e, err := Exec(p, spec, ExecSpec{Args: []string{"sh", "-c", "tty; read line; echo got $line; stty size; echo $TERM; exit 9"}, TTY: true, Stdin: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Resize(100, 30); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(e.Stdin, "typed\n"); err != nil {
		t.Fatal(err)
	}
	out, _, exit := finish(t, e)
	for _, want := range []string{"/dev/pts/0", "got typed", "30 100", "xterm"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in %q", want, out)
		}
	}
	if exit.Code != 9 {
		t.Errorf("exit %+v, want 9", exit)
	}
	if _, err := Exec(p, spec, ExecSpec{Args: []string{"nosuch"}}); err == nil || !strings.Contains(err.Error(), "not found in $PATH") {
		t.Errorf("a program that doesn't exist: %v", err)
	}
	p.Signal(unix.SIGKILL) //nolint:errcheck // ends the test's container
	<-p.Done()
	if _, err := Exec(p, spec, ExecSpec{Args: []string{"true"}}); err == nil {
		t.Error("a program ran in a container that has ended")
	}
}

func TestSharedProcessNamespace(t *testing.T) {
	l := NewLauncher("")
	defer l.Close()
	pause, err := l.Start(Spec{Pause: true, User: Root()})
	if err != nil {
		t.Fatal(err)
	}
	defer pause.Close()
	first := shell(t, "exec sleep 59")
	first.Namespaces.PID = pause.PID()
	one, err := l.Start(first)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	second := shell(t, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
	second.Namespaces.PID = pause.PID()
	two, err := l.Start(second)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if out, _, _ := finish(t, two); !strings.Contains(out, "sleep 59") {
		t.Errorf("it sees %q", out)
	}
	if err := pause.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, _, exit := finish(t, one); exit.Code != 137 {
		t.Errorf("the pause's end ended the others with %+v", exit)
	}
}

func TestContainersEndWithTheirLauncher(t *testing.T) {
	l := NewLauncher("")
	p, err := l.Start(shell(t, "sleep 60"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// Threads that come and go must not matter: Exec uses up one each time.
	for range 5 {
		e, err := Exec(p, shell(t, ""), ExecSpec{Args: []string{"true"}})
		if err != nil {
			t.Fatal(err)
		}
		finish(t, e)
		e.Close()
	}
	select {
	case <-p.Done():
		t.Fatalf("it ended with a thread that has nothing to do with it: %+v", p.Exit())
	case <-time.After(100 * time.Millisecond):
	}
	l.Close()
	if _, _, exit := finish(t, p); exit.Code != 137 {
		t.Errorf("exit %+v, want 137", exit)
	}
}

func TestWithoutOverlay(t *testing.T) {
	// An overlay's lower folder may not be its own upper one: the kernel refuses, and the image is copied.
	image, root := newRootFS(t), t.TempDir()
	if err := os.Symlink("image", filepath.Join(image, "etc/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(image, "etc/image"), 0o4755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(image, "etc/image"), 33, 44); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(image, "etc/image"), 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(image, root); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, "etc/link"))
	if err != nil {
		t.Fatal(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid != 33 || owner.Gid != 44 || info.Mode() != 0o755|os.ModeSetuid {
		t.Errorf("the copy has mode %s, owner %d:%d", info.Mode(), owner.Uid, owner.Gid)
	}
}

const insideUserNamespace = "TESTBED_INSIDE_USER_NAMESPACE"

// TestInUserNamespace runs the tests that apply once more, as the root of a user namespace that has no other user.
func TestInUserNamespace(t *testing.T) {
	if os.Getenv(insideUserNamespace) != "" {
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^(TestContainerSeesItsOwnWorld|TestImageIsNeverWrittenTo|TestMounts|TestExitAndSignals|TestExecWithATerminal|TestOnlyRootIsMapped)$")
	cmd.Env = append(os.Environ(), insideUserNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if passed := strings.Count(out.String(), "--- PASS: Test"); passed < 6 {
		t.Errorf("only %s tests passed\n%s", strconv.Itoa(passed), out.String())
	}
}

func TestOnlyRootIsMapped(t *testing.T) {
	if os.Getenv(insideUserNamespace) == "" {
		return
	}
	spec := shell(t, "id -u")
	spec.User = User{Image: "web"}
	if out, errOut, _ := run(t, spec); strings.TrimSpace(out) != "0" {
		t.Errorf("a user that only the image names became %q (%s)", out, errOut)
	}
	spec.User = User{UID: ptr.To[uint32](33)}
	if _, err := start(t, spec); err == nil || !strings.Contains(err.Error(), "user 33 of the Pod's securityContext does not exist") {
		t.Errorf("a user that the Pod asks for: %v", err)
	}
}
