package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// HostHandler does for the test network what takes the host's network and its user's files: pulls of images need both.
type HostHandler interface {
	// Dial opens a connection from the host, whatever its request's From says.
	Dial(ctx context.Context, r DialRequest) (*os.File, error)
	// Credentials returns those of the user for a repository, "registry.example/team/web". They are zero if there are
	// none.
	Credentials(ctx context.Context, repository string) (Credentials, error)
}

// hostRequest is what the test network sends to the host; one field is set.
type hostRequest struct {
	Dial        *DialRequest `json:"dial,omitempty"`
	Credentials string       `json:"credentials,omitempty"`
}

// Host sends requests from the test network to the host. Its socket is a pair of which each side has an end, and over
// which the test network passes an end of a new pair for each request: there is no address that another process inside
// could connect to. So no machine of the cluster has a way out, but the test network's own process does.
type Host struct {
	mu     sync.Mutex
	socket *net.UnixConn
}

// NewHost makes a Host of the test network's end of the pair, which it takes over.
func NewHost(end *os.File) (*Host, error) {
	socket, err := unixConn(end)
	if err != nil {
		return nil, fmt.Errorf("using the socket to the host: %w", err)
	}
	return &Host{socket: socket}, nil
}

// Close ends the requests that are under way.
func (h *Host) Close() error { return h.socket.Close() }

// Dial opens a connection from the host. The address may have a host name.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	r := DialRequest{From: "the host", Network: network, Address: address}
	if deadline, ok := ctx.Deadline(); ok {
		r.Timeout = time.Until(deadline)
	}
	conn, err := h.roundTrip(ctx, hostRequest{Dial: &r}, nil)
	if err != nil {
		return nil, err
	}
	return receiveConn(conn, r)
}

// Credentials returns those of the host's user for a repository, or zero if there are none.
func (h *Host) Credentials(ctx context.Context, repository string) (Credentials, error) {
	var answer reply
	conn, err := h.roundTrip(ctx, hostRequest{Credentials: repository}, &answer)
	if err != nil {
		return Credentials{}, err
	}
	return answer.Credentials, conn.Close()
}

// roundTrip sends one request over a new pair. Unless there is an error, the caller closes the connection.
func (h *Host) roundTrip(ctx context.Context, r hostRequest, answer *reply) (*net.UnixConn, error) {
	conn, err := h.open()
	if err != nil {
		return nil, fmt.Errorf("reaching the host: %w", err)
	}
	if err := exchange(ctx, conn, r, answer); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// open passes one end of a new pair to the host and returns the other.
func (h *Host) open() (*net.UnixConn, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	conn, err := unixConn(ours)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, _, err := h.socket.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(theirs.Fd())), nil); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// ServeHost answers the test network's requests until ctx is done or the test network has ended. It takes over the
// host's end of the pair.
func ServeHost(ctx context.Context, socket *net.UnixConn, handler HostHandler) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	for {
		file, err := receiveFile(socket)
		if err != nil {
			return // the test network has ended, or ctx
		}
		conn, err := unixConn(file)
		if err != nil {
			continue // not a socket, which the test network doesn't send
		}
		running.Go(func() {
			defer conn.Close()
			serveHost(ctx, conn, handler)
		})
	}
}

func serveHost(ctx context.Context, conn *net.UnixConn, handler HostHandler) {
	conn.SetReadDeadline(time.Now().Add(requestTimeout))
	line, err := readLine(conn)
	if err != nil {
		return // the test network has given up
	}
	conn.SetReadDeadline(time.Time{})
	var r hostRequest
	if err := json.Unmarshal(line, &r); err != nil {
		refuse(conn, fmt.Errorf("invalid request: %w", err))
		return
	}
	ctx, cancel := untilClosed(ctx, conn)
	defer cancel()
	switch {
	case r.Dial != nil:
		serveDial(ctx, conn, handler, *r.Dial)
	case r.Credentials != "":
		credentials, err := handler.Credentials(ctx, r.Credentials)
		send(conn, reply{Credentials: credentials}, err)
	default:
		refuse(conn, errors.New("empty request"))
	}
}

// pair makes two connected sockets.
func pair() (a, b *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	return os.NewFile(uintptr(fds[0]), "pair"), os.NewFile(uintptr(fds[1]), "pair"), nil
}

// unixConn takes over the file of a Unix socket.
func unixConn(file *os.File) (*net.UnixConn, error) {
	defer file.Close() // FileConn has its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("not a Unix socket but %T", conn)
	}
	return unix, nil
}
