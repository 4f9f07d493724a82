package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// serveSubject serves as a subject of a scenario, or as its endpoints, until it gets SIGTERM. The arguments of subjects
// are two ports and a directory with a certificate, those of endpoints are ports.
func serveSubject(ctx context.Context, kind string, s scenario, profile string, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if kind == "endpoints" {
		return serveEndpoints(ctx, s.endpoints, args)
	}
	if len(args) != 3 {
		return fmt.Errorf("-serve needs two ports and a directory, not %q", args)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:"+args[1])
	if err != nil {
		return err
	}
	if kind == "reverseproxy" {
		return serveReverseProxy(ctx, plain, secure, s, args[2])
	}
	served, err := table(s, kind == withPolicies, args[2])
	if err != nil {
		return err
	}
	return serveProxy(ctx, plain, secure, served, args[2])
}

func serveProxy(ctx context.Context, plain, secure net.Listener, table *route.Table, dir string) error {
	log, err := os.Create(filepath.Join(dir, "access.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	server, err := proxy.New(proxy.Config{AccessLog: log, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	for _, problem := range server.Apply(table) {
		return problem
	}
	return server.Serve(ctx, plain, secure)
}

// serveReverseProxy is the standard library's reverse proxy, tuned as far as its settings go, without access log.
func serveReverseProxy(ctx context.Context, plain, secure net.Listener, s scenario, dir string) error {
	var turn atomic.Uint64
	transport := &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(s.endpoints == http1Endpoints)
	transport.Protocols.SetUnencryptedHTTP2(s.endpoints != http1Endpoints)
	handler := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			port := backendPorts[turn.Add(1)%uint64(len(backendPorts))]
			r.SetURL(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
			r.SetXForwarded()
		},
		Transport: transport,
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return err
	}
	first := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	second := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	context.AfterFunc(ctx, func() { _, _ = first.Close(), second.Close() })
	ended := make(chan error, 2)
	go func() { ended <- second.ServeTLS(secure, "", "") }()
	go func() { ended <- first.Serve(plain) }()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
