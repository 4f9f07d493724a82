package proxy_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestDrainIsBoundedBeforeRequests checks that clients that are connected, but have not come to a request, do not keep
// the server longer than Timeouts.Drain.
func TestDrainIsBoundedBeforeRequests(t *testing.T) {
	for name, test := range map[string]struct {
		proxyProtocol bool
		sent          string
	}{
		"within the PROXY protocol header": {true, "PROXY "},
		"within the TLS handshake":         {false, "\x16\x03\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			server, err := proxy.New(proxy.Config{Timeouts: proxy.Timeouts{
				Drain: time.Millisecond, ProxyHeader: time.Hour, TLSHandshake: time.Hour,
			}})
			if err != nil {
				t.Fatal(err)
			}
			server.Apply(&route.Table{ProxyProtocol: test.proxyProtocol})
			listener := &accepting{Listener: listen(t), accepted: make(chan struct{}, 1)}
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- server.Serve(ctx, nil, listener) }()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(test.sent)); err != nil {
				t.Fatal(err)
			}
			<-listener.accepted
			stop()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Serve: %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Error("Serve waits for a client that has not begun a request")
				conn.Close()
				<-ended
			}
		})
	}
}

// accepting tells of the connections that the server reads from.
type accepting struct {
	net.Listener
	accepted chan struct{}
}

func (l *accepting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &readNoted{conn, l.accepted}, nil
}

// readNoted tells when it is read.
type readNoted struct {
	net.Conn
	read chan struct{}
}

func (c *readNoted) Read(p []byte) (int, error) {
	select {
	case c.read <- struct{}{}:
	default:
	}
	return c.Conn.Read(p)
}
