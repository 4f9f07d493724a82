//go:build linux

package testnetwork

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/network"
)

// processes are the programs that run on the machines. When one ends that wasn't stopped, the test network ends.
type processes struct {
	logs  string
	ended chan error // the first that ended by itself

	mu      sync.Mutex
	running map[string]*process // by name
}

// process is a program, which may have been stopped.
type process struct {
	on   *network.Namespace
	argv []string
	cmd  *exec.Cmd
	// done is closed when it has ended.
	done    chan struct{}
	stopped time.Time // by stop; zero if it wasn't
}

// start starts a program on a machine, with its output in a log.
func (p *processes) start(on *network.Namespace, name string, argv ...string) error {
	return p.run(on, name, os.O_TRUNC, argv)
}

func (p *processes) run(on *network.Namespace, name string, flag int, argv []string) error {
	path := p.log(name)
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|flag, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer log.Close() // the program has it now
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = environment()
	started := time.Now()
	if err := on.Do(cmd.Start); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	one := &process{on: on, argv: argv, cmd: cmd, done: make(chan struct{})}
	p.mu.Lock()
	if p.running == nil {
		p.running = map[string]*process{}
	}
	p.running[name] = one
	p.mu.Unlock()
	go func() {
		err := cmd.Wait()
		close(one.done)
		p.mu.Lock()
		stopped := one.stopped
		p.mu.Unlock()
		if !stopped.IsZero() {
			return
		}
		select {
		case p.ended <- fmt.Errorf("%s ended after %v (%s); its log %s says last: %s",
			name, time.Since(started).Round(time.Second), describeExit(err), path, lastLine(path)):
		default: // one report is enough: the rest follows from it
		}
	}()
	return nil
}

// stop kills a program and waits until it has ended. It does nothing if it was stopped already.
func (p *processes) stop(ctx context.Context, name string) error {
	p.mu.Lock()
	one := p.running[name]
	if one != nil && one.stopped.IsZero() {
		one.stopped = time.Now()
	}
	p.mu.Unlock()
	if one == nil {
		return fmt.Errorf("unknown program %q", name)
	}
	if err := one.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing %s: %w", name, err)
	}
	select {
	case <-one.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the end of %s: %w", name, context.Cause(ctx))
	}
}

// stoppedFor returns how long ago a program was stopped; 0 if it wasn't.
func (p *processes) stoppedFor(name string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.running[name]; one != nil && !one.stopped.IsZero() {
		return time.Since(one.stopped)
	}
	return 0
}

// restart starts a program again that was stopped.
func (p *processes) restart(name string) error {
	p.mu.Lock()
	one := p.running[name]
	p.mu.Unlock()
	if one == nil {
		return fmt.Errorf("unknown program %q", name)
	}
	select {
	case <-one.done:
	default:
		return fmt.Errorf("%s is running already", name)
	}
	return p.run(one.on, name, 0, one.argv)
}

// pid returns the process ID of a running program.
func (p *processes) pid(name string) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[name] == nil {
		return 0, fmt.Errorf("unknown program %q", name)
	}
	return p.running[name].cmd.Process.Pid, nil
}

func (p *processes) log(name string) string { return filepath.Join(p.logs, name+".log") }

// environment of every program. Debian's users have no sbin in their PATH, where nft is. The programs hold little memory in a small
// cluster, and make much garbage: at Go's default, collecting it takes a share of the processors that scenarios could use.
func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/run", "GOGC=400"}
}

func describeExit(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// longestTail is how many bytes are read from the end of a log, which may be large after days.
const longestTail = 4 << 10

func lastLine(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	content := make([]byte, min(info.Size(), longestTail))
	if _, err := file.ReadAt(content, info.Size()-int64(len(content))); err != nil {
		return err.Error()
	}
	content = bytes.TrimSpace(content)
	return string(content[bytes.LastIndexByte(content, '\n')+1:])
}
