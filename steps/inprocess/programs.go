package inprocess

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
)

// image of the backends.
const image = "testbed.local/backends:dev"

// program is a server at a port of a Pod.
type program struct {
	port    int
	handler http.Handler
	tls     *tls.Config // nil for plain text
	fastCGI string      // the Pod, for a FastCGI application
	full    bool        // no connection is made
	stalled bool        // nothing is read
}

func (p program) serve(ctx context.Context, listener net.Listener) error {
	if p.full {
		return stayFull(ctx, listener)
	}
	if tcp, ok := listener.(*net.TCPListener); ok && p.stalled {
		return backends.Stall(ctx, tcp)
	}
	if p.fastCGI != "" {
		return backends.ServeFastCGI(ctx, listener, p.fastCGI)
	}
	if p.tls != nil {
		return backends.ServeTLS(ctx, listener, p.handler, p.tls, backends.Shutdown{Grace: grace})
	}
	return backends.Serve(ctx, listener, p.handler, backends.Shutdown{Grace: grace})
}

// stayFull keeps a listener, whose queue is full, until ctx is done.
func stayFull(ctx context.Context, listener net.Listener) error {
	<-ctx.Done()
	if err := listener.Close(); err != nil {
		return fmt.Errorf("closing a full port: %w", err)
	}
	return nil
}

// programsOf are what the first container of a Pod runs, with the default ports of command backends. The error wraps
// clusters.ErrUnsupported for all but the test-bed's own backends.
func programsOf(pod *corev1.Pod, certificate func() (tls.Certificate, error)) ([]program, error) {
	container := pod.Spec.Containers[0]
	if container.Image != image {
		return nil, fmt.Errorf("the image %s can't be run in process: %w", container.Image, clusters.ErrUnsupported)
	}
	arguments := container.Args
	switch {
	case len(arguments) == 1 && arguments[0] == "echo":
		return []program{{port: 8080, handler: backends.Echo(pod.Name, backends.EchoServerVersion)}}, nil
	case len(arguments) == 3 && arguments[0] == "echo" && arguments[1] == "--server-version":
		return []program{{port: 8080, handler: backends.Echo(pod.Name, arguments[2])}}, nil
	case len(arguments) == 1 && arguments[0] == "probe":
		return []program{
			{port: 8080, handler: backends.Probe(pod.Name)}, {port: backends.FullPort, full: true}, {port: backends.StalledPort, stalled: true},
		}, nil
	case len(arguments) == 1 && arguments[0] == "fastcgi":
		return []program{{port: 8080, fastCGI: pod.Name}}, nil
	case len(arguments) == 1 && arguments[0] == "extra":
		pair, err := certificate()
		if err != nil {
			return nil, err
		}
		config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
		handler := backends.Extra(pod.Name)
		return []program{{port: 8080, handler: handler}, {port: 8443, handler: handler, tls: config}}, nil
	}
	return nil, fmt.Errorf("the program %q can't be run in process: %w", arguments, clusters.ErrUnsupported)
}

// NewCertificate returns a self-signed certificate for "extra".
func NewCertificate() (tls.Certificate, error) {
	pair, err := certificates.SelfSigned("extra")
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a backend's certificate: %w", err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading a backend's certificate: %w", err)
	}
	return certificate, nil
}
