package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
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

// serveSubject serves until it is told to stop. The arguments are the two ports and a directory with a certificate.
func serveSubject(ctx context.Context, kind, profile string, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("-serve needs two ports and a directory, not %q", args)
	}
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
	plain, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	if err != nil {
		return err
	}
	secure, err := net.Listen("tcp", "127.0.0.1:"+args[1])
	if err != nil {
		return err
	}
	if kind == "reverseproxy" {
		return serveReverseProxy(ctx, plain, secure, args[2])
	}
	return serveProxy(ctx, plain, secure, args[2])
}

func serveProxy(ctx context.Context, plain, secure net.Listener, dir string) error {
	log, err := os.Create(filepath.Join(dir, "access.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	server, err := proxy.New(proxy.Config{AccessLog: log, Registerer: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	chain, err := os.ReadFile(filepath.Join(dir, "chain.pem"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		return err
	}
	forward := route.To("bench")
	forward.Canary = &route.Canary{Backend: forward.Backends[0], Header: "X-Canary", Cookie: "canary"}
	table := &route.Table{
		Hosts:              []route.Host{{Routes: []route.Route{{Match: route.PrefixPath("/"), Action: forward}}}},
		Upstreams:          []route.Upstream{{Name: "bench"}},
		DefaultCertificate: &route.Certificate{ChainPEM: chain, KeyPEM: key},
	}
	for _, port := range backendPorts {
		address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
		table.Upstreams[0].Endpoints = append(table.Upstreams[0].Endpoints, route.Endpoint{Address: address})
	}
	for _, problem := range server.Apply(table) {
		return problem
	}
	return server.Serve(ctx, plain, secure)
}

// serveReverseProxy is the standard library's reverse proxy, tuned as far as its settings go, without access log.
func serveReverseProxy(ctx context.Context, plain, secure net.Listener, dir string) error {
	var turn atomic.Uint64
	handler := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			port := backendPorts[turn.Add(1)%uint64(len(backendPorts))]
			r.SetURL(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
			r.SetXForwarded()
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
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
