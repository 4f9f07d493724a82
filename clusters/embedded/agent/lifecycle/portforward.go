//go:build linux

package lifecycle

import (
	"context"
	"fmt"
	"io"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
)

// portForward copies between a connection and a port on the Pod's loopback interface, until the port closes.
func (r *resources) portForward(ctx context.Context, port int32, with io.ReadWriteCloser) error {
	if r.state.ips() == nil {
		return fmt.Errorf("%w: Pod %s", containers.ErrNotStarted, r.state.get().Pod.Name)
	}
	box, _ := r.shared()
	conn, err := box.DialPod(ctx, port)
	if err != nil {
		return fmt.Errorf("connecting to port %d of the Pod: %w", port, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	received := make(chan error, 1)
	go func() {
		_, err := io.Copy(with, conn)
		received <- err
	}()
	go func() {
		io.Copy(conn, with) //nolint:errcheck // the other direction has the error
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite() //nolint:errcheck // the other side may be gone
		}
	}()
	return <-received
}
