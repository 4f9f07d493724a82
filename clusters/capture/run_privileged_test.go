//go:build privileged

package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestRun captures a real connection in a separate network namespace.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
		done <- captureConnection()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func captureConnection() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w", err)
	}
	namespace, err := netns.Get()
	if err != nil {
		return err
	}
	defer namespace.Close() //nolint:errcheck // only read
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // nothing was written to it

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		stopped <- errors.Join(netns.Set(namespace), Run(ctx, "lo", writer), writer.Close())
	}()
	stream := make(chan []byte, 1)
	running := make(chan error, 1)
	go func() {
		var all bytes.Buffer
		_, err := io.CopyN(&all, reader, 24)
		running <- err
		_, _ = io.Copy(&all, reader)
		stream <- all.Bytes()
	}()
	if err := <-running; err != nil {
		return errors.Join(err, <-stopped)
	}

	served := make(chan error, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			served <- err
			return
		}
		_, err = io.WriteString(connection, "hello")
		served <- errors.Join(err, connection.Close())
	}()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	if _, err := io.ReadAll(connection); err != nil {
		return err
	}
	if err := errors.Join(connection.Close(), <-served); err != nil {
		return err
	}
	cancel() // at once: what the kernel has queued must not be lost
	if err := <-stopped; err != nil {
		return err
	}
	packets, err := Read(bytes.NewReader(<-stream))
	if err != nil {
		return err
	}
	conversations := Conversations(packets)
	if len(conversations) != 1 {
		return fmt.Errorf("%d conversations, want 1: %+v", len(conversations), packets)
	}
	if _, err := conversations[0].Handshake(); err != nil {
		return err
	}
	if got := string(conversations[0].Stream(conversations[0].Server)); got != "hello" {
		return fmt.Errorf("the server sent %q, want hello", got)
	}
	return nil
}

func TestRunWithoutInterface(t *testing.T) {
	err := Run(context.Background(), "nosuch0", io.Discard)
	if err == nil || !strings.Contains(err.Error(), `"nosuch0"`) {
		t.Errorf("error is %v, want one that names the interface", err)
	}
}
