package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/internal/freeport"
)

// hostNetwork answers requests from this machine's own network.
type hostNetwork struct{ packets chan []byte }

func (hostNetwork) Dial(ctx context.Context, r DialRequest) (*os.File, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, r.Network, r.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*net.TCPConn).File()
}

func (h hostNetwork) Capture(ctx context.Context, link Link, w io.Writer) error {
	if link.Interface != "eth0" {
		return errors.New("no such interface: " + link.Interface)
	}
	for {
		select {
		case <-ctx.Done():
			close(h.packets)
			return nil
		case p := <-h.packets:
			if _, err := w.Write(p); err != nil {
				return err
			}
		}
	}
}

func (hostNetwork) LoadImage(_ context.Context, archive string) ([]Image, error) {
	if !strings.HasSuffix(archive, ".tar") {
		return nil, errors.New(archive + " is not an archive")
	}
	return []Image{{Name: "docker.io/library/web:1", Size: 42}}, nil
}

func (hostNetwork) PullImage(ctx context.Context, r PullRequest, report func(PullProgress)) error {
	switch r.Image {
	case "endless":
		report(PullProgress{Total: 2})
		<-ctx.Done()
		return ctx.Err()
	case "private":
		if len(r.Credentials) != 1 || r.Credentials[0] != (Credentials{Username: "me", Password: "secret"}) {
			return errors.New("unauthorized")
		}
	}
	for done := range int64(3) {
		report(PullProgress{Done: done, Total: 2})
	}
	return nil
}

func (hostNetwork) PodLink(_ context.Context, r PodRequest) (Link, error) {
	return Link{Machine: "k3s-s", Interface: "veth-" + r.Pod}, nil
}

func (hostNetwork) Plug(_ context.Context, r PlugRequest) error {
	if r.Node != "k3s-w1" || r.In {
		return fmt.Errorf("unexpected request %+v", r)
	}
	return nil
}

func (hostNetwork) Impair(_ context.Context, r ImpairRequest) error {
	if r != (ImpairRequest{Node: "k3s-w1", Loss: 0.05, Delay: time.Second}) {
		return fmt.Errorf("unexpected request %+v", r)
	}
	return nil
}

func (hostNetwork) Suspend(_ context.Context, r SuspendRequest) error {
	if r != (SuspendRequest{Namespace: "shop", Pod: "cart", Suspend: true}) {
		return fmt.Errorf("unexpected request %+v", r)
	}
	return nil
}

func (hostNetwork) Component(_ context.Context, r ComponentRequest) error {
	if r != (ComponentRequest{Name: "etcd", Run: true}) {
		return fmt.Errorf("unexpected request %+v", r)
	}
	return nil
}

// serveTest starts a server and returns a client for it. A client looks below a root for the socket's usual path.
func serveTest(t *testing.T, handler Handler) *Client {
	t.Helper()
	root, err := os.MkdirTemp("", "handler") // t.TempDir's paths are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	path := filepath.Join(root, Socket)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, listener, handler) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return &Client{root: root}
}

func TestDialHandsOutAWorkingConnection(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		conn, err := echo.Accept()
		if err == nil {
			io.Copy(conn, conn)
			conn.Close()
		}
	}()
	client := serveTest(t, hostNetwork{})
	conn, err := client.Dial(t.Context(), DialRequest{From: "client", Network: "tcp", Address: echo.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	conn.Write([]byte("hello"))
	conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDialTellsARefusedConnection(t *testing.T) {
	refusing := freeport.Reserve(t)
	_, err := serveTest(t, hostNetwork{}).Dial(t.Context(), DialRequest{Network: "tcp", Address: refusing.String()})
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("want connection refused, got %v", err)
	}
}

func TestCaptureStreamsUntilItIsClosed(t *testing.T) {
	handler := hostNetwork{packets: make(chan []byte)}
	client := serveTest(t, handler)
	go func() { handler.packets <- []byte("pcap") }()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Capture(ctx, Link{Machine: "k3s-s", Interface: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(stream, got); err != nil || !bytes.Equal(got, []byte("pcap")) {
		t.Errorf("got %q, %v", got, err)
	}
	cancel()
	if rest, err := io.ReadAll(stream); err != nil || len(rest) > 0 {
		t.Errorf("after the capture was stopped: %q, %v", rest, err)
	}
	if err := stream.Close(); err != nil {
		t.Errorf("closing a capture that its context has stopped: %v", err)
	}
	select {
	case <-handler.packets: // closed by the capture when it ends
	case <-time.After(5 * time.Second):
		t.Error("the capture goes on after its reader has left")
	}
}

func TestErrorsReachTheClient(t *testing.T) {
	client := serveTest(t, hostNetwork{packets: make(chan []byte)})
	if _, err := client.Capture(t.Context(), Link{Interface: "eth9"}); err == nil || !strings.Contains(err.Error(), "eth9") {
		t.Errorf("capture on a missing interface: %v", err)
	}
	if _, err := client.LoadImage(t.Context(), "readme.md"); err == nil || !strings.Contains(err.Error(), "readme.md") {
		t.Errorf("loading no archive: %v", err)
	}
	images, err := client.LoadImage(t.Context(), "web.tar")
	if want := []Image{{Name: "docker.io/library/web:1", Size: 42}}; err != nil || !slices.Equal(images, want) {
		t.Errorf("loading an archive: %v, %v, want %v", images, err, want)
	}
	link, err := client.PodLink(t.Context(), PodRequest{Namespace: "default", Pod: "web"})
	if err != nil || link != (Link{Machine: "k3s-s", Interface: "veth-web"}) {
		t.Errorf("pod's link: %v, %v", link, err)
	}
	if err := client.Plug(t.Context(), PlugRequest{Node: "k3s-w1"}); err != nil {
		t.Errorf("pulling out a cable: %v", err)
	}
	if err := client.Plug(t.Context(), PlugRequest{Node: "k3s-w9", In: true}); err == nil || !strings.Contains(err.Error(), "k3s-w9") {
		t.Errorf("a cable of an unknown node: %v", err)
	}
	for _, err := range []error{
		client.Impair(t.Context(), ImpairRequest{Node: "k3s-w1", Loss: 0.05, Delay: time.Second}),
		client.Suspend(t.Context(), SuspendRequest{Namespace: "shop", Pod: "cart", Suspend: true}),
		client.Component(t.Context(), ComponentRequest{Name: "etcd", Run: true}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := client.Component(t.Context(), ComponentRequest{Name: "dns"}); err == nil || !strings.Contains(err.Error(), "dns") {
		t.Errorf("an unknown component: %v", err)
	}
}

func TestPullReportsProgressUntilItEnds(t *testing.T) {
	client := serveTest(t, hostNetwork{})
	private := PullRequest{Image: "private", Credentials: []Credentials{{Username: "me", Password: "secret"}}}
	for _, r := range []PullRequest{{Image: "public"}, private} {
		var seen []PullProgress
		err := client.PullImage(t.Context(), r, func(p PullProgress) { seen = append(seen, p) })
		if want := []PullProgress{{0, 2}, {1, 2}, {2, 2}}; err != nil || !slices.Equal(seen, want) {
			t.Errorf("%s: %v, progress %v, want %v", r.Image, err, seen, want)
		}
	}
	err := client.PullImage(t.Context(), PullRequest{Image: "private"}, func(PullProgress) {})
	if err == nil || !strings.Contains(err.Error(), "unauthorized") {
		t.Errorf("without credentials: %v", err)
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	client := serveTest(t, hostNetwork{})
	ctx, cancel := context.WithCancel(t.Context())
	err := client.PullImage(ctx, PullRequest{Image: "endless"}, func(PullProgress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestACancelledRequestEnds(t *testing.T) {
	handler := hostNetwork{packets: make(chan []byte)} // never writes, so no successful reply is sent
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := serveTest(t, handler).Capture(ctx, Link{Interface: "eth0"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func FuzzServe(f *testing.F) {
	f.Add([]byte(`{"dial":{"from":"client","network":"tcp","address":"nowhere"}}` + "\n"))
	f.Add([]byte(`{"capture":null}` + "\n"))
	f.Add([]byte("\n"))
	f.Add(bytes.Repeat([]byte("x"), longestLine+1))
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, theirs := unixPair(t)
		defer ours.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer theirs.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			serve(ctx, theirs, refusing{})
		}()
		ours.Write(input)
		ours.CloseWrite()
		io.Copy(io.Discard, ours)
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatal("the server hangs")
		}
	})
}

// refusing refuses all requests.
type refusing struct{}

var errRefused = errors.New("refused")

func (refusing) Dial(context.Context, DialRequest) (*os.File, error) { return nil, errRefused }
func (refusing) Capture(context.Context, Link, io.Writer) error      { return errRefused }
func (refusing) LoadImage(context.Context, string) ([]Image, error)  { return nil, errRefused }
func (refusing) PullImage(context.Context, PullRequest, func(PullProgress)) error {
	return errRefused
}
func (refusing) PodLink(context.Context, PodRequest) (Link, error) { return Link{}, errRefused }
func (refusing) Plug(context.Context, PlugRequest) error           { return errRefused }
func (refusing) Impair(context.Context, ImpairRequest) error       { return errRefused }
func (refusing) Suspend(context.Context, SuspendRequest) error     { return errRefused }
func (refusing) Component(context.Context, ComponentRequest) error { return errRefused }

func unixPair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = conn.(*net.UnixConn)
	}
	return ends[0], ends[1]
}
