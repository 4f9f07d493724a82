package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/diagnostics"
	"github.com/ingress-testbed/testbed/proxy"
)

// Run is the controller from start to end: until ctx is done and requests have drained, or something fails.
func Run(ctx context.Context, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	client, err := connect(o)
	if err != nil {
		return err
	}
	return RunWith(ctx, o, client, func(Addresses) {})
}

// RunWith is Run with a given client. It reports the addresses that the controller listens on.
func RunWith(ctx context.Context, o Options, client kubernetes.Interface, listening func(Addresses)) error {
	if err := o.Validate(); err != nil {
		return err
	}
	c := &components{
		options: o, client: client, clock: clock.RealClock{}, registry: prometheus.NewRegistry(),
		broadcaster: record.NewBroadcaster(),
	}
	defer c.broadcaster.Shutdown()
	var err error
	if c.listeners, err = listen(ctx, o); err != nil {
		return err
	}
	defer c.listeners.close()
	if err := c.assemble(); err != nil {
		return err
	}
	listening(c.listeners.addresses())
	if err := reach(ctx, client, o.StartTimeout, c.clock); err != nil {
		return err
	}
	return c.run(ctx)
}

// run starts everything. What updates the data plane keeps running until it has drained.
func (c *components) run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, background := errgroup.WithContext(background)

	// Probes are answered from the start.
	group.Go(serveHTTP(background, c.listeners.health, diagnostics.Handler(c.readiness, c.registry), nil))
	group.Go(func() error {
		defer stop()
		return c.serve(ctx, background, group)
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serve reads the cluster, serves requests until ctx is done, and cleans up.
func (c *components) serve(ctx, background context.Context, group *errgroup.Group) error {
	if err := c.start(ctx, background); err != nil {
		return err
	}
	synced := c.clock.Now()
	server, err := proxy.New(proxy.Config{
		Logger:     slog.New(logr.ToSlogHandler(klog.Background().WithName("proxy"))),
		AccessLog:  c.options.AccessLog,
		Registerer: c.registry,
		Timeouts:   proxy.Timeouts{Drain: c.options.DrainTimeout},
	})
	if err != nil {
		return fmt.Errorf("making the proxy: %w", err)
	}
	group.Go(serveHTTP(background, c.listeners.status, c.statusHandler(server.Table), nil))
	last := &admission.Last{}
	if c.certificate != nil {
		handler := admission.Handler(c.source, last, c.metrics.CountAdmission)
		group.Go(serveHTTP(background, c.listeners.webhook, handler,
			&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.certificate.Get}))
	}
	log := &controller.Log{}
	loop := &controller.Loop{
		Source: c.source, DataPlane: server, Clock: c.clock, HoldOff: controller.HoldOff,
		Observers: []controller.Observer{log, c.metrics, c.events, &c.settings},
	}
	loop.EndpointObservers = []controller.EndpointObserver{log, c.metrics}
	if c.certificate != nil {
		loop.Observers = append(loop.Observers, last)
	}
	if c.status != nil {
		loop.Observers = append(loop.Observers, c.status)
	}
	loop.Observers = append(loop.Observers, c.readiness) // last: the other observers have seen the table
	group.Go(func() error { loop.Run(background); return nil })
	group.Go(func() error { return c.election().Run(background) })
	c.broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: c.client.CoreV1().Events("")})

	select {
	case <-c.readiness.Served():
	case <-ctx.Done():
		return nil
	case <-background.Done():
		return nil
	}
	klog.InfoS("Serving", "version", c.options.Version,
		"http", c.listeners.plain.Addr(), "https", c.listeners.secure.Addr(), "afterReading", c.clock.Since(synced))
	var arrived atomic.Int64
	plain, secure := arrivals{c.listeners.plain, &arrived}, arrivals{c.listeners.secure, &arrived}
	if err := server.Serve(c.untilStopped(ctx, background, &arrived, server.Leave), plain, secure); err != nil {
		return err
	}
	c.clearStatus(background)
	klog.InfoS("Stopped")
	return nil
}

// start reads the cluster. It may be interrupted by ctx; what it starts lasts as long as the background.
func (c *components) start(ctx, background context.Context) error {
	started := make(chan error, 1)
	go func() {
		err := c.source.Start(background, c.options.StartTimeout)
		if err == nil && c.addresses != nil {
			err = c.addresses.Start(background, c.options.StartTimeout)
		}
		started <- err
	}()
	select {
	case err := <-started:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// clearStatus removes the addresses from the Ingresses that no controller serves any more.
func (c *components) clearStatus(ctx context.Context) {
	if c.status == nil || !c.options.UpdateStatusOnShutdown || !c.leads.Load() {
		return
	}
	if !c.addresses.Alone() {
		klog.V(2).InfoS("Keeping the statuses of Ingresses, since another replica serves them")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c.status.Clear(ctx)
}

// serveHTTP returns what serves a handler on a listener until ctx is done, over TLS if there are settings for it.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, settings *tls.Config) func() error {
	server := &http.Server{
		Handler:           handler,
		TLSConfig:         settings,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logr.ToSlogHandler(klog.Background()), slog.LevelDebug),
	}
	return func() error {
		stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // closing is all that is left to do
		defer stop()
		serve := server.Serve
		if settings != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
		}
		return nil
	}
}
