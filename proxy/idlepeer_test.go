package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// idlePeerRole is the environment variable that makes TestIdlePeer one of the processes that BenchmarkIdle and
// TestIdleMemory start.
const idlePeerRole = "IDLE_PEER"

// idlePeer is a process that clients or endpoints run in. It gets commands and answers each with a line.
type idlePeer struct {
	role    string
	in      io.WriteCloser
	answers *bufio.Scanner
}

// startIdlePeer starts this test binary once more, in a role ("clients" or "endpoint"), until the test or benchmark ends.
func startIdlePeer(t testing.TB, role string) *idlePeer {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(executable, "-test.run=^TestIdlePeer$")
	command.Env = append(os.Environ(), idlePeerRole+"="+role)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out) // what a test binary prints when it ends
		if err := command.Wait(); err != nil {
			t.Errorf("the process of the %s: %v", role, err)
		}
	})
	return &idlePeer{role: role, in: in, answers: bufio.NewScanner(out)}
}

// call sends a command and returns what the answer says after "ok".
func (p *idlePeer) call(format string, args ...any) (string, error) {
	command := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		return "", fmt.Errorf("sending %q to the %s: %w", command, p.role, err)
	}
	if !p.answers.Scan() {
		return "", fmt.Errorf("the %s ended at %q: %w", p.role, command, p.answers.Err())
	}
	answer, ok := strings.CutPrefix(p.answers.Text(), "ok")
	if !ok {
		return "", fmt.Errorf("%q by the %s: %s", command, p.role, answer)
	}
	return strings.TrimSpace(answer), nil
}

// TestIdlePeer is a process of BenchmarkIdle and TestIdleMemory, not a test: it follows the commands on its standard input to the end.
func TestIdlePeer(t *testing.T) {
	var follow func(words []string) (string, error)
	switch os.Getenv(idlePeerRole) {
	case "clients":
		clients := new(idleClients)
		defer clients.close()
		follow = clients.follow
	case "endpoint":
		endpoint, err := startIdleEndpoint()
		if err != nil {
			t.Fatal(err)
		}
		defer endpoint.close()
		follow = endpoint.follow
	default:
		t.Skip("BenchmarkIdle and TestIdleMemory start it")
	}
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		answer, err := follow(strings.Fields(commands.Text()))
		if err != nil {
			fmt.Fprintln(os.Stdout, strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Fprintln(os.Stdout, "ok", answer)
	}
}

func listenLoopback() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
