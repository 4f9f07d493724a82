package shell

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asPart makes the test binary run as a part of a shell: "machine" is this package's Main, and the others are in relayPart.
const asPart = "TESTBED_TEST_SHELL_PART"

func TestMain(m *testing.M) {
	switch as := os.Getenv(asPart); as {
	case "":
		os.Exit(m.Run())
	case "machine":
		os.Exit(Main(os.Args[1], os.Args[2], os.Args[3:]))
	default:
		os.Exit(relayPart(as, os.Args[1]))
	}
}

// relayPart runs one of the two ends of a relay around a shell script, and returns its exit code: "relayed" runs the
// script, and "relay" and "interactive" run that.
func relayPart(as, script string) int {
	var err error
	if as == "relayed" {
		err = runRelayed(exec.Command("sh", "-c", script), os.NewFile(3, "pipe"))
	} else {
		inner := exec.Command(os.Args[0], script)
		inner.Env = append(os.Environ(), asPart+"=relayed")
		inner.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals to the outer process's group don't reach it
		err = relay{interactive: as == "interactive"}.run(inner, nil)
	}
	var code ExitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	return 99
}

// relayed is a script that runs at the end of a relay.
type relayed struct {
	command *exec.Cmd
	output  *bufio.Reader
}

func startRelayed(t *testing.T, as, script string) relayed {
	t.Helper()
	command := exec.Command(os.Args[0], script)
	command.Env = append(os.Environ(), asPart+"="+as)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return relayed{command, bufio.NewReader(output)}
}

// end reads the rest of the output, which lasts as long as the script, and returns it with the exit code.
func (r relayed) end(t *testing.T) (string, int) {
	t.Helper()
	rest, err := io.ReadAll(r.output)
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := r.command.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(rest), r.command.ProcessState.ExitCode()
}

// waiting is a script that reports the signal that ends it.
const waiting = `for s in INT TERM HUP; do trap "echo got $s; exit 7" $s; done; echo ready; while :; do sleep 0.01; done`

func TestRelayPassesSignals(t *testing.T) {
	for _, c := range []struct {
		as     string
		signal syscall.Signal
		want   string
		code   int
	}{
		{"relay", syscall.SIGTERM, "got TERM\n", 7},
		{"relay", syscall.SIGHUP, "got HUP\n", 7},
		{"relay", syscall.SIGINT, "got INT\n", 7},
		{"interactive", syscall.SIGTERM, "got HUP\n", 7},
		{"relay", syscall.SIGKILL, "got TERM\n", -1}, // the command ends all the same
		{"interactive", syscall.SIGKILL, "got HUP\n", -1},
	} {
		r := startRelayed(t, c.as, waiting)
		if line, err := r.output.ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("%s: printed %q, %v", c.signal, line, err)
		}
		if err := r.command.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		if rest, code := r.end(t); rest != c.want || code != c.code {
			t.Errorf("%s, %s: printed %q and ended with %d, want %q and %d", c.as, c.signal, rest, code, c.want, c.code)
		}
	}
}

func TestRelayHasTheExitCode(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -9 $$": 137} {
		if _, code := startRelayed(t, "relay", script).end(t); code != want {
			t.Errorf("%s: ended with %d, want %d", script, code, want)
		}
	}
}

func TestRelayPassesStreams(t *testing.T) {
	command := exec.Command(os.Args[0], "cat; echo error >&2")
	command.Env = append(os.Environ(), asPart+"=relay")
	command.Stdin = strings.NewReader("input")
	var errorOutput strings.Builder
	command.Stderr = &errorOutput
	output, err := command.Output()
	if err != nil || string(output) != "input" || errorOutput.String() != "error\n" {
		t.Errorf("printed %q and %q, %v", output, errorOutput.String(), err)
	}
}
