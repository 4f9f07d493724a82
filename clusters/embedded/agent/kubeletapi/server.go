//go:build linux

// Package kubeletapi serves the part of the kubelet's HTTPS API that the API server needs for `kubectl logs`, `exec`,
// `attach` and `port-forward`. The streaming protocols are the Kubernetes project's own code.
package kubeletapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
)

// Config of a server. Cert, Key and ClientCA are PEM files.
type Config struct {
	Address             netip.AddrPort
	Cert, Key, ClientCA string
	Pods                Pods
	Logger              *slog.Logger
}

// Pods are those that run on the node.
type Pods interface {
	// List returns all Pods that run on the node.
	List() []*corev1.Pod
	// Find returns an error that wraps ErrNotFound for a Pod that doesn't run here.
	Find(namespace, name string) (Pod, error)
}

// Pod is a Pod that runs on the node.
type Pod interface {
	Exec(ctx context.Context, container string, command []string, s containers.Streams) error
	Attach(ctx context.Context, container string, s containers.Streams) error
	PortForward(ctx context.Context, port int32, with io.ReadWriteCloser) error
	Log(container string, previous bool) (containers.Log, error)
	Pod() *corev1.Pod
}

// ErrNotFound says that a Pod doesn't run on this node.
var ErrNotFound = errors.New("pod does not run on this node")

// Server answers the API server.
type Server struct {
	config   Config
	http     *http.Server
	listener net.Listener
}

const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 2 * time.Second
)

// New starts to listen, so that a taken port is known at once.
func New(c Config) (*Server, error) {
	certificate, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the kubelet's API: %w", err)
	}
	ca, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("reading the CA of the kubelet's API: %w", err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("reading the CA of the kubelet's API: %s has no certificate", c.ClientCA)
	}
	listener, err := tls.Listen("tcp", c.Address.String(), &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
		// Streams upgrade the connection, which HTTP/2 can't.
		NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return nil, fmt.Errorf("listening for the kubelet's API: %w", err)
	}
	s := &Server{config: c, listener: listener}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: headerTimeout, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)}
	return s, nil
}

// Serve answers until ctx ends, and cuts off streams that are still open then.
func (s *Server) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if s.http.Shutdown(grace) != nil {
			s.http.Close() //nolint:errcheck // nothing is left to do
		}
	})
	defer stop()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the kubelet's API: %w", err)
	}
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok") //nolint:errcheck // the asker is gone then
	})
	mux.HandleFunc("GET /pods", s.pods)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", s.exec)
	mux.HandleFunc("/exec/{namespace}/{pod}/{uid}/{container}", s.exec)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", s.attach)
	mux.HandleFunc("/attach/{namespace}/{pod}/{uid}/{container}", s.attach)
	mux.HandleFunc("/portForward/{namespace}/{pod}", s.portForward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", s.portForward)
	return mux
}

func (s *Server) pods(w http.ResponseWriter, _ *http.Request) {
	list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}}
	for _, pod := range s.config.Pods.List() {
		list.Items = append(list.Items, *pod)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(list); err != nil {
		s.config.Logger.Debug("answering /pods", "error", err)
	}
}

// find finds the Pod that a request is about; the path may name a UID, which then has to be the Pod's.
func (s *Server) find(r *http.Request) (Pod, error) {
	pod, err := s.config.Pods.Find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		return nil, err
	}
	if uid := r.PathValue("uid"); uid != "" && uid != string(pod.Pod().UID) {
		return nil, fmt.Errorf("%s/%s: %w", r.PathValue("namespace"), r.PathValue("pod"), ErrNotFound)
	}
	return pod, nil
}

// fail answers with an error. The API server passes the text on to the user.
func (s *Server) fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, containers.ErrNoContainer):
		code = http.StatusNotFound
	case errors.Is(err, errBadRequest), errors.Is(err, containers.ErrNotStarted), errors.Is(err, containers.ErrNotRunning):
		code = http.StatusBadRequest
	}
	http.Error(w, err.Error(), code)
}

var errBadRequest = errors.New("bad request")
