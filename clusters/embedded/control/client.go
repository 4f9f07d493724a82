package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Client sends requests to a test network.
type Client struct {
	root string // the test network's root as seen from here
}

// NewClient makes a Client of the test network whose process is pid.
func NewClient(pid int) *Client {
	return &Client{root: filepath.Join("/proc", strconv.Itoa(pid), "root")}
}

// NewInsideClient makes a Client for processes in the mount namespace of the test network.
func NewInsideClient() *Client { return &Client{root: "/"} }

// Path returns the path on the host of a path inside the test network.
func (c *Client) Path(inside string) string { return filepath.Join(c.root, inside) }

// Dial opens a connection from a machine inside. The error is an *Error if the connection failed, and that of ctx if the request
// was not answered before the deadline.
func (c *Client) Dial(ctx context.Context, r DialRequest) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		r.Timeout = time.Until(deadline) * 9 / 10 // so that the reply arrives before the deadline
	}
	conn, err := c.roundTrip(ctx, request{Dial: &r}, nil)
	if err != nil {
		return nil, err
	}
	return receiveConn(conn, r)
}

// receiveConn receives the connection that follows a good reply to a DialRequest.
func receiveConn(conn *net.UnixConn, r DialRequest) (net.Conn, error) {
	defer conn.Close()
	file, err := receiveFile(conn)
	if err != nil {
		return nil, fmt.Errorf("receiving the connection from %s to %s: %w", r.From, r.Address, err)
	}
	defer file.Close()
	opened, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("using the connection from %s to %s: %w", r.From, r.Address, err)
	}
	return opened, nil
}

// Capture starts a capture; it is running when Capture returns. Closing the stream, or the end of ctx, stops it.
func (c *Client) Capture(ctx context.Context, r Link) (io.ReadCloser, error) {
	conn, err := c.roundTrip(ctx, request{Capture: &r}, nil)
	if err != nil {
		return nil, err
	}
	stream := &captureStream{conn: conn, hangUp: sync.OnceValue(conn.Close)}
	// Only the sending half is closed: the server then sends the packets that the kernel has queued, and closes.
	stream.forget = context.AfterFunc(ctx, func() { _ = conn.CloseWrite() })
	return stream, nil
}

type captureStream struct {
	conn   *net.UnixConn
	hangUp func() error
	forget func() bool // stops waiting for the end of the capture's context
}

func (s *captureStream) Read(p []byte) (int, error) {
	n, err := s.conn.Read(p)
	if errors.Is(err, net.ErrClosed) { // we stopped it ourselves
		err = io.EOF
	}
	return n, err
}

// Close stops the capture. It may be called when the context has stopped it already.
func (s *captureStream) Close() error {
	s.forget()
	return s.hangUp()
}

// LoadImage loads an archive's images for all nodes, and returns them under each of their names.
func (c *Client) LoadImage(ctx context.Context, archive string) ([]Image, error) {
	var answer reply
	conn, err := c.roundTrip(ctx, request{LoadImage: archive}, &answer)
	if err != nil {
		return nil, err
	}
	return answer.Images, conn.Close()
}

// PullImage pulls an image for all nodes and reports progress now and then.
func (c *Client) PullImage(ctx context.Context, r PullRequest, report func(PullProgress)) error {
	var answer reply
	conn, err := c.roundTrip(ctx, request{PullImage: &r}, &answer)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for answer.Progress != nil {
		report(*answer.Progress)
		answer = reply{}
		if err := receive(conn, &answer); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
	return nil
}

// PodLink finds the node's end of a pod's link.
func (c *Client) PodLink(ctx context.Context, r PodRequest) (Link, error) {
	var answer reply
	conn, err := c.roundTrip(ctx, request{PodLink: &r}, &answer)
	if err != nil {
		return Link{}, err
	}
	return answer.Link, conn.Close()
}

// Plug disconnects a node's cable, or connects it again.
func (c *Client) Plug(ctx context.Context, r PlugRequest) error {
	return c.order(ctx, request{Plug: &r})
}

// Impair disturbs the packets on a node's cable.
func (c *Client) Impair(ctx context.Context, r ImpairRequest) error {
	return c.order(ctx, request{Impair: &r})
}

// Suspend stops or continues processes.
func (c *Client) Suspend(ctx context.Context, r SuspendRequest) error {
	return c.order(ctx, request{Suspend: &r})
}

// Component kills a component of the control plane, or starts it again.
func (c *Client) Component(ctx context.Context, r ComponentRequest) error {
	return c.order(ctx, request{Component: &r})
}

// order sends a request whose reply has nothing but an error.
func (c *Client) order(ctx context.Context, r request) error {
	conn, err := c.roundTrip(ctx, r, nil)
	if err != nil {
		return err
	}
	return conn.Close()
}

// roundTrip sends one request and reads the reply. Unless there is an error, the caller closes the connection.
func (c *Client) roundTrip(ctx context.Context, r request, answer *reply) (*net.UnixConn, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "unix", c.Path(Socket))
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster (is it still running?): %w", err)
	}
	conn := raw.(*net.UnixConn) //nolint:forcetypeassert // what dialing "unix" gives
	if err := exchange(ctx, conn, r, answer); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// exchange sends one request and reads the reply, until ctx ends.
func exchange(ctx context.Context, conn *net.UnixConn, r any, answer *reply) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err := sendAndReceive(conn, r, answer)
	if !stop() && err != nil {
		return context.Cause(ctx)
	}
	return err
}

func sendAndReceive(conn *net.UnixConn, r any, answer *reply) error {
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return fmt.Errorf("sending the request to the cluster: %w", err)
	}
	if answer == nil {
		answer = new(reply)
	}
	return receive(conn, answer)
}

// receive reads one reply.
func receive(conn *net.UnixConn, answer *reply) error {
	line, err := readLine(conn)
	if err != nil {
		return fmt.Errorf("waiting for the cluster's reply: %w", err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		return fmt.Errorf("decoding the cluster's reply: %w", err)
	}
	if answer.Error != "" {
		return &Error{Text: answer.Error, Errno: answer.Errno}
	}
	return nil
}

// Error is an error inside the test network. It unwraps to the system call's error number, if there was one.
type Error struct {
	Text  string
	Errno syscall.Errno
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

const longestLine = 64 << 10

// readLine reads up to a line feed and not a byte further: a stream or a file descriptor may follow.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < longestLine {
		if _, err := io.ReadFull(r, one); err != nil {
			return nil, err
		}
		if one[0] == '\n' {
			return line, nil
		}
		line = append(line, one[0])
	}
	return nil, fmt.Errorf("line longer than %d bytes", longestLine)
}

func receiveFile(conn *net.UnixConn) (*os.File, error) {
	payload, ancillary := make([]byte, 1), make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(payload, ancillary)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(ancillary[:n])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("want one control message, got %d (%w)", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("want one file descriptor, got %d (%w)", len(fds), err)
	}
	syscall.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), "connection"), nil
}
