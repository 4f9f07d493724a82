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
)

// A running cluster is known by an abstract Unix socket (unix(7)) that its supervisor listens on: the name can be
// taken once, is found by any process of the user, and is free again the moment the supervisor is gone. No file says
// that a cluster runs which doesn't.

// Running is what a supervisor tells of its cluster.
type Running struct {
	Name string `json:"name"`
	// PID of the machine room, and Supervisor of the process that made it.
	PID        int          `json:"pid"`
	Supervisor int          `json:"supervisor"`
	Spec       control.Spec `json:"spec"`
}

// ErrNotRunning is wrapped by what asks for a cluster that does not run.
var ErrNotRunning = errors.New("no such cluster is running")

// NameTaken is the error for a cluster that is to be made under a running one's name.
func NameTaken(name string) error {
	return fmt.Errorf("a cluster named %q is running already: "+
		"end it with `testbed down --name %s` or choose another --name", name, name)
}

func socketPrefix() string { return fmt.Sprintf("@ingress-testbed/%d/", os.Getuid()) }

// claim holds a cluster's name.
type claim struct {
	listener *net.UnixListener
	mu       sync.Mutex
	running  *Running // nil until the cluster is ready
}

func claimName(name string) (*claim, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPrefix() + name, Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, NameTaken(name)
	}
	if err != nil {
		return nil, fmt.Errorf("claiming the cluster name %q: %w", name, err)
	}
	c := &claim{listener: listener}
	go c.serve()
	return c, nil
}

func (c *claim) announce(r Running) {
	r.Supervisor = os.Getpid()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = &r
}

func (c *claim) release() { c.listener.Close() }

func (c *claim) serve() {
	for {
		conn, err := c.listener.AcceptUnix()
		if err != nil {
			return
		}
		go c.tell(conn)
	}
}

// tell answers the cluster's own user and root. An abstract socket has no permissions of its own.
func (c *claim) tell(conn *net.UnixConn) {
	defer conn.Close()
	if !fromOwner(conn) {
		return
	}
	c.mu.Lock()
	running := c.running
	c.mu.Unlock()
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	json.NewEncoder(conn).Encode(running) //nolint:errcheck // whoever asked has left
}

// Find asks the supervisor of a running cluster.
func Find(ctx context.Context, name string) (Running, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socketPrefix()+name)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return Running{}, fmt.Errorf("%w: %q (start it with `testbed up --name %s`)", ErrNotRunning, name, name)
	}
	if err != nil {
		return Running{}, fmt.Errorf("asking for cluster %q: %w", name, err)
	}
	defer conn.Close()
	// Anybody on this machine can take a name, and what the answer says is run later.
	if !fromOwner(conn.(*net.UnixConn)) { //nolint:forcetypeassert // what dialing "unix" gives
		return Running{}, fmt.Errorf("the name %q is taken by a process of another user: choose another --name", name)
	}
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	var running *Running
	if err := json.NewDecoder(conn).Decode(&running); err != nil {
		return Running{}, fmt.Errorf("asking cluster %q: %w", name, err)
	}
	if running == nil {
		return Running{}, fmt.Errorf("cluster %q is still starting", name)
	}
	return *running, nil
}

// List names the user's running clusters.
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
