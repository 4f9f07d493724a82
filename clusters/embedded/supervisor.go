package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/clusters/embedded/lastend"
)

// supervisor is the host's side of a cluster that this process made. The test network ends when it does: by the end
// of their socket, and by the kernel's parent-death signal should even that fail.
type supervisor struct {
	lock    *nameLock
	api     *apiListener
	process *exec.Cmd
	host    net.Conn      // to the test network
	served  func()        // ends what the host does for the test network, and waits for it
	ended   chan struct{} // closed when the test network is gone
	// stopping is set by stop, and once is its.
	stopping atomic.Bool
	once     sync.Once
	cause    error // why the cluster failed after it was ready; read it when ended is closed
}

// start runs the test network and waits until the cluster is ready.
func (s *supervisor) start(ctx context.Context, testbed string, spec control.Spec, progress io.Writer) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	s.host = ours
	requests, theirRequests, err := socketPair()
	if err != nil {
		return err
	}
	defer theirRequests.Close()
	s.serveHost(requests)
	s.process = exec.Command(testbed, control.Command)
	s.process.Env = environment()
	s.process.ExtraFiles = []*os.File{theirs, theirRequests}
	s.process.Stderr = os.Stderr // for errors before the socket is used
	s.process.SysProcAttr = namespaces()
	if err := s.run(); err != nil {
		return explainNamespaces(err)
	}
	if err := json.NewEncoder(s.host).Encode(spec); err != nil {
		return fmt.Errorf("sending the specification to the test network: %w", err)
	}
	stop := context.AfterFunc(ctx, s.stop)
	defer stop()
	events := json.NewDecoder(s.host)
	if err := awaitReady(events, progress); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	go s.watch(events, spec.Name)
	s.lock.announce(Running{Name: spec.Name, PID: s.process.Process.Pid, Spec: spec})
	s.api.serve(control.NewClient(s.process.Process.Pid), spec.Network) //nolint:contextcheck // ctx only bounds the start
	return nil
}

// serveHost answers the test network's requests to this machine, until the test network ends or stop is called.
func (s *supervisor) serveHost(requests *net.UnixConn) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		control.ServeHost(ctx, requests, hostHandler{keychain: authn.DefaultKeychain})
	}()
	s.served = func() {
		cancel()
		<-done
	}
}

// run starts the test network from a thread that stays until it ends, because the parent-death signal is sent when
// the thread, not the process, that made a child ends.
func (s *supervisor) run() error {
	s.ended = make(chan struct{})
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.process.Start()
		started <- err
		if err == nil {
			s.process.Wait() //nolint:errcheck // its last event has the reason
		}
		close(s.ended)
	}()
	return <-started
}

// awaitReady reads events until the cluster can be used, and passes them on as progress.
func awaitReady(events *json.Decoder, progress io.Writer) error {
	for {
		var event control.Event
		if err := events.Decode(&event); err != nil {
			return fmt.Errorf("the test network ended without an error message: %w", err)
		}
		switch {
		case event.Failed != "":
			return errors.New(event.Failed)
		case event.Ready:
			return nil
		case event.Done != "":
			fmt.Fprintf(progress, "  %-38s %5.1f s\n", event.Done, event.Took.Seconds())
		}
	}
}

// watch records why a cluster fails later.
func (s *supervisor) watch(events *json.Decoder, name string) {
	var event control.Event
	err := events.Decode(&event)
	switch {
	case err == nil && event.Failed != "":
		s.cause = errors.New(event.Failed)
	case !s.stopping.Load():
		s.cause = errors.New("its first process, the test network, ended without an error message, as if it was killed")
	}
	if s.cause != nil {
		s.cause = errors.Join(s.cause, lastend.Record(name, time.Now(), s.cause))
	}
	s.stop()
}

// stopTimeout is how long the test network gets to exit by itself.
const stopTimeout = 2 * time.Second

// stop ends the cluster. It may be called any number of times.
func (s *supervisor) stop() {
	s.stopping.Store(true)
	s.once.Do(func() {
		if s.api != nil {
			s.api.close()
		}
		if s.host != nil {
			s.host.Close()
		}
		if s.served != nil {
			s.served()
		}
		if s.ended != nil {
			select {
			case <-s.ended:
			case <-time.After(stopTimeout):
				s.process.Process.Kill() //nolint:errcheck // it has ended already, then
				<-s.ended
			}
		}
		if s.lock != nil {
			s.lock.release()
		}
	})
}
