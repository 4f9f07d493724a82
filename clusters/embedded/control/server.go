package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Handler handles requests to the test network.
type Handler interface {
	// Dial opens a connection from a machine and returns its file, which the server closes.
	Dial(ctx context.Context, r DialRequest) (*os.File, error)
	// Capture writes a pcap stream to w until ctx is done or w fails. It writes nothing until it is running.
	Capture(ctx context.Context, r Link, w io.Writer) error
	LoadImage(ctx context.Context, archive string) ([]Image, error)
	// PullImage pulls an image. It calls report from its own goroutine, and not after it has returned.
	PullImage(ctx context.Context, r PullRequest, report func(PullProgress)) error
	PodLink(ctx context.Context, r PodRequest) (Link, error)
	// Plug pulls out a node's cable, or plugs it in again.
	Plug(ctx context.Context, r PlugRequest) error
	// Impair disturbs the packets on a node's cable.
	Impair(ctx context.Context, r ImpairRequest) error
	// Suspend stops or continues processes.
	Suspend(ctx context.Context, r SuspendRequest) error
	// Component kills a component of the control plane, or starts it again and waits until it is ready.
	Component(ctx context.Context, r ComponentRequest) error
}

// requestTimeout bounds how long a client may take to send its request.
const requestTimeout = 10 * time.Second

// Serve answers requests on listener until ctx is done.
func Serve(ctx context.Context, listener *net.UnixListener, handler Handler) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("accepting control connections: %w", err)
		}
		running.Add(1)
		go func() {
			defer running.Done()
			defer conn.Close()
			serve(ctx, conn, handler)
		}()
	}
}

func serve(ctx context.Context, conn *net.UnixConn, handler Handler) {
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	line, err := readRequest(conn)
	if err != nil {
		return // the client has left
	}
	conn.SetReadDeadline(time.Time{})
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		refuse(conn, fmt.Errorf("invalid request: %w", err))
		return
	}
	ctx, cancel := untilClosed(ctx, conn)
	defer cancel()
	switch {
	case r.Dial != nil:
		serveDial(ctx, conn, handler, *r.Dial)
	case r.Capture != nil:
		stream := &announcingWriter{conn: conn}
		if err := handler.Capture(ctx, *r.Capture, stream); err != nil && !stream.announced {
			refuse(conn, err)
		}
	case r.LoadImage != "":
		images, err := handler.LoadImage(ctx, r.LoadImage)
		send(conn, reply{Images: images}, err)
	case r.PullImage != nil:
		send(conn, reply{}, handler.PullImage(ctx, *r.PullImage, func(p PullProgress) { send(conn, reply{Progress: &p}, nil) }))
	case r.PodLink != nil:
		link, err := handler.PodLink(ctx, *r.PodLink)
		send(conn, reply{Link: link}, err)
	case r.Plug != nil:
		send(conn, reply{}, handler.Plug(ctx, *r.Plug))
	case r.Impair != nil:
		send(conn, reply{}, handler.Impair(ctx, *r.Impair))
	case r.Suspend != nil:
		send(conn, reply{}, handler.Suspend(ctx, *r.Suspend))
	case r.Component != nil:
		send(conn, reply{}, handler.Component(ctx, *r.Component))
	default:
		refuse(conn, errors.New("empty request"))
	}
}

// readRequest reads a line. Nothing follows it, so that more than a byte at a time can be read, unlike with readLine: a load
// run makes a thousand requests a second.
func readRequest(r io.Reader) ([]byte, error) {
	return bufio.NewReader(io.LimitReader(r, longestLine)).ReadBytes('\n')
}

// untilClosed returns a context that ends when the client disconnects. Clients send nothing after their request, so that
// a read ends with the connection.
func untilClosed(ctx context.Context, conn *net.UnixConn) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	return ctx, cancel
}

// announcingWriter sends the successful reply before the first byte of a stream.
type announcingWriter struct {
	conn      *net.UnixConn
	announced bool
}

func (w *announcingWriter) Write(p []byte) (int, error) {
	if !w.announced {
		w.announced = true
		if err := answer(w.conn, reply{}, nil); err != nil {
			return 0, err
		}
	}
	return w.conn.Write(p)
}

// dialer opens connections and returns their files, which the server closes.
type dialer interface {
	Dial(ctx context.Context, r DialRequest) (*os.File, error)
}

func serveDial(ctx context.Context, conn *net.UnixConn, handler dialer, r DialRequest) {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Timeout)
		defer cancel()
	}
	file, err := handler.Dial(ctx, r)
	if err != nil {
		refuse(conn, err)
		return
	}
	defer file.Close()
	if answer(conn, reply{}, nil) == nil {
		_, _, _ = conn.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(file.Fd())), nil) // or the client has left
	}
}

// send sends a reply. An error is ignored: the client has left.
func send(conn *net.UnixConn, r reply, err error) { _ = answer(conn, r, err) }

func refuse(conn *net.UnixConn, err error) { send(conn, reply{}, err) }

func answer(conn *net.UnixConn, r reply, err error) error {
	if err != nil {
		r.Error = err.Error()
		errors.As(err, &r.Errno)
	}
	return json.NewEncoder(conn).Encode(r)
}
