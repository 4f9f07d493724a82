package app

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// quiet is how long no connection must have come before the controller closes its ports.
	quiet = 500 * time.Millisecond
	// lateness is by how much the grace period is exceeded at most while connections still come.
	lateness = 5 * time.Second
)

// untilStopped returns a context that ends a while after ctx: the controller is not ready then, but it takes requests
// until the cluster has noticed. leave is called at once.
func (c *components) untilStopped(ctx, background context.Context, arrived *atomic.Int64, leave func()) context.Context {
	serving, stop := context.WithCancel(background)
	context.AfterFunc(ctx, func() {
		c.readiness.Stop()
		leave()
		klog.InfoS("Stopping", "after", c.options.ShutdownGracePeriod)
		awaitQuiet(background, c.clock, c.options.ShutdownGracePeriod, arrived)
		stop()
	})
	return serving
}

// awaitQuiet returns when the grace period is over and no connection has come for a moment. A node may take longer to learn
// that the Pod is no longer an endpoint, and would send connections to a closed port.
func awaitQuiet(ctx context.Context, clock clock.Clock, grace time.Duration, arrived *atomic.Int64) {
	pause := func(d time.Duration) (done bool) {
		select {
		case <-ctx.Done():
			return true
		case <-clock.After(d):
			return false
		}
	}
	moment, end := min(quiet, grace), clock.Now().Add(grace+lateness)
	if pause(grace - moment) {
		return
	}
	for clock.Now().Before(end) {
		before := arrived.Load()
		if pause(moment) || arrived.Load() == before {
			return
		}
	}
}

// arrivals counts the connections of a listener.
type arrivals struct {
	net.Listener
	count *atomic.Int64
}

// SetDeadline bounds the wait for connections; those that wait in the kernel are accepted before.
func (a arrivals) SetDeadline(t time.Time) error {
	limited, has := a.Listener.(interface{ SetDeadline(t time.Time) error })
	if !has {
		return errors.ErrUnsupported
	}
	return limited.SetDeadline(t)
}

// Accept implements net.Listener.
func (a arrivals) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err == nil {
		a.count.Add(1)
	}
	return conn, err
}
