package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/lastend"
)

// The name of a running cluster is that of an abstract Unix socket (unix(7)) on which its supervisor listens: it can be
// locked once, any process of the user finds it, and the kernel releases it when the supervisor ends. There is no file that
// could be out of date.

// Running describes a running cluster.
type Running struct {
	Name string `json:"name"`
	// PID of the test network, and Supervisor of the process that made it.
	PID        int          `json:"pid"`
	Supervisor int          `json:"supervisor"`
	Spec       control.Spec `json:"spec"`
}

// ErrNotRunning is wrapped by errors about a cluster that is not running.
var ErrNotRunning = errors.New("no such cluster is running")

// NameTaken is the error for a new cluster with the name of a running one.
func NameTaken(name string) error {
	return fmt.Errorf("a cluster named %q is running already: "+
		"end it with `testbed down --name %s` or choose another --name", name, name)
}

func socketPrefix() string { return fmt.Sprintf("@ingress-testbed/%d/", os.Getuid()) }

// nameLock holds a cluster's name.
type nameLock struct {
	listener *net.UnixListener
	mu       sync.Mutex
	running  *Running // nil until the cluster is ready
}

func lockName(name string) (*nameLock, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPrefix() + name, Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, NameTaken(name)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the cluster name %q: %w", name, err)
	}
	c := &nameLock{listener: listener}
	go c.serve()
	return c, nil
}

func (l *nameLock) announce(r Running) {
	r.Supervisor = os.Getpid()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = &r
}

func (l *nameLock) release() { l.listener.Close() }

func (l *nameLock) serve() {
	for {
		conn, err := l.listener.AcceptUnix()
		if err != nil {
			return
		}
		go l.answer(conn)
	}
}

// answer sends Running to processes of the same user and of root. An abstract socket has no permissions of its own.
func (l *nameLock) answer(conn *net.UnixConn) {
	defer conn.Close()
	if !fromOwner(conn) {
		return
	}
	l.mu.Lock()
	running := l.running
	l.mu.Unlock()
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	json.NewEncoder(conn).Encode(running) //nolint:errcheck // the client has left
}

// Find returns what the supervisor of a running cluster says of it.
func Find(ctx context.Context, name string) (Running, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socketPrefix()+name)
	if errors.Is(err, syscall.ECONNREFUSED) {
		reason := lastend.Reason(name)
		if reason != "" {
			reason = ": " + reason
		}
		return Running{}, fmt.Errorf("%w: %q%s (start it with `testbed up --name %s`)", ErrNotRunning, name, reason, name)
	}
	if err != nil {
		return Running{}, fmt.Errorf("connecting to the supervisor of cluster %q: %w", name, err)
	}
	defer conn.Close()
	// Any user of this machine can take a name, and the answer has the path of a program that is run later.
	if !fromOwner(conn.(*net.UnixConn)) { //nolint:forcetypeassert // what dialing "unix" gives
		return Running{}, fmt.Errorf("the name %q is taken by a process of another user: choose another --name", name)
	}
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	var running *Running
	if err := json.NewDecoder(conn).Decode(&running); err != nil {
		return Running{}, fmt.Errorf("reading from the supervisor of cluster %q: %w", name, err)
	}
	if running == nil {
		return Running{}, fmt.Errorf("cluster %q is still starting", name)
	}
	return *running, nil
}

// List returns the names of the user's running clusters.
func List() ([]string, error) {
	table, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil, fmt.Errorf("looking for clusters: %w", err)
	}
	defer table.Close()
	seen := map[string]bool{}
	var names []string
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		name, found := strings.CutPrefix(fields[len(fields)-1], socketPrefix())
		if found && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names, lines.Err()
}
