package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
)

const apiDialTimeout = 5 * time.Second

// apiListener is a port on the host's loopback that leads to the API server.
type apiListener struct {
	listener net.Listener
	ctx      context.Context //nolint:containedctx // the listener's own life
	cancel   context.CancelFunc
}

func listenForAPI(port uint16) (*apiListener, error) {
	address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	listener, err := net.Listen("tcp4", address.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d of the loopback is taken: choose another --api-port, or 0 for any free one", port)
	}
	if err != nil {
		return nil, fmt.Errorf("listening at %s for the API server: %w", address, err)
	}
	l := &apiListener{listener: listener}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

func (l *apiListener) address() netip.AddrPort {
	return netip.MustParseAddrPort(l.listener.Addr().String())
}

func (l *apiListener) close() {
	l.cancel()
	l.listener.Close()
}

// serve starts forwarding to the API server inside, until close.
func (l *apiListener) serve(inside *control.Client, p addressplan.Network) {
	request := control.DialRequest{
		From: "router", Network: "tcp",
		Address: net.JoinHostPort(p.Nodes[0].Address.String(), strconv.Itoa(control.APIPort)),
	}
	go func() {
		for {
			conn, err := l.listener.Accept()
			if err != nil {
				return
			}
			go l.forward(conn, inside, request)
		}
	}()
}

func (l *apiListener) forward(conn net.Conn, inside *control.Client, request control.DialRequest) {
	defer conn.Close()
	ctx, cancel := context.WithTimeout(l.ctx, apiDialTimeout)
	api, err := inside.Dial(ctx, request)
	cancel()
	if err != nil {
		return // the client sees a closed connection, as when the API server is down
	}
	defer api.Close()
	stop := context.AfterFunc(l.ctx, func() { conn.Close(); api.Close() })
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, api}, {api, conn}} {
		both.Add(1)
		go func() {
			defer both.Done()
			io.Copy(way[0], way[1]) //nolint:errcheck // either side may hang up at any time
			if half, ok := way[0].(*net.TCPConn); ok {
				half.CloseWrite() //nolint:errcheck // as above
			}
		}()
	}
	both.Wait()
}
