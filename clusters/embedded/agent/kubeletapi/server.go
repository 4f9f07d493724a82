//go:build linux

// Package kubeletapi serves the part of the kubelet's HTTPS API that the API server needs for `kubectl logs`, `exec`,
// `attach` and `port-forward`, and what metrics-server and others read. The streaming protocols are the Kubernetes
// project's own code.
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
	"k8s.io/client-go/kubernetes"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
)

// Config of a server. Cert, Key and ClientCA are PEM files.
type Config struct {
	NodeName            string
	Address             netip.AddrPort
	Cert, Key, ClientCA string
	// Client reviews tokens and permissions.
	Client kubernetes.Interface
	Pods   Pods
	// LogDir is the folder with the logs of containers.
	LogDir string
	// Started is when the agent was.
	Started metav1.Time
	// Settings are those of a kubelet that apply to the node.
	Settings kubeletconfig.KubeletConfiguration
	Logger   *slog.Logger
}

// Pods are those that run on the node.
type Pods interface {
	// List returns all Pods that run on the node.
	List() []*corev1.Pod
	// All returns the same Pods.
	All() []Pod
	// Find returns an error that wraps ErrNotFound for a Pod that doesn't run here.
	Find(namespace, name string) (Pod, error)
}

// Pod is a Pod that runs on the node.
type Pod interface {
	Exec(ctx context.Context, container string, command []string, s containers.Streams) error
	Attach(ctx context.Context, container string, s containers.Streams) error
	PortForward(ctx context.Context, port int32, with io.ReadWriteCloser) error
	Log(container string, previous bool) (containers.Log, error)
	// Running returns the containers that run.
	Running() []containers.Running
	Pod() *corev1.Pod
}

// ErrNotFound says that a Pod doesn't run on this node.
var ErrNotFound = errors.New("pod does not run on this node")

// Server answers the API server.
type Server struct {
	config   Config
	logDir   *os.Root
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
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients, // see access
		// Streams upgrade the connection, which HTTP/2 can't.
		NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return nil, fmt.Errorf("listening for the kubelet's API: %w", err)
	}
	s := &Server{config: c, listener: listener}
	if s.logDir, err = openFolder(c.LogDir); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	handler := newAccess(c.NodeName, c.Client).protect(s.handler(), s.fail)
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)}
	return s, nil
}

func openFolder(path string) (*os.Root, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of container logs: %w", err)
	}
	return os.OpenRoot(path)
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
	defer s.logDir.Close() //nolint:errcheck // only read
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the kubelet's API: %w", err)
	}
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok") //nolint:errcheck // the client is gone then
	})
	mux.HandleFunc("GET /pods", s.pods)
	mux.HandleFunc("GET /runningpods/", s.runningPods)
	mux.HandleFunc("GET /stats/summary", s.summary)
	mux.Handle("GET /metrics", s.metricsHandler())
	mux.Handle("GET /metrics/resource", s.resourceHandler())
	mux.HandleFunc("GET /configz", func(w http.ResponseWriter, _ *http.Request) {
		s.writeJSON(w, map[string]any{"kubeletconfig": s.config.Settings})
	})
	mux.HandleFunc("GET /logs/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<pre>\n<a href=\"pods/\">pods/</a>\n</pre>\n") //nolint:errcheck // the client is gone then
	})
	mux.Handle("GET /logs/pods/", http.StripPrefix("/logs/pods/", http.FileServerFS(s.logDir.FS())))
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
	s.writeJSON(w, list)
}

func (s *Server) writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.config.Logger.Debug("answering a request", "error", err)
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
	case errors.Is(err, errUnauthenticated):
		code = http.StatusUnauthorized
	case errors.Is(err, errForbidden):
		code = http.StatusForbidden
	case errors.Is(err, ErrNotFound), errors.Is(err, containers.ErrNoContainer):
		code = http.StatusNotFound
	case errors.Is(err, errBadRequest), errors.Is(err, containers.ErrNotStarted), errors.Is(err, containers.ErrNotRunning):
		code = http.StatusBadRequest
	}
	http.Error(w, err.Error(), code)
}

var errBadRequest = errors.New("bad request")
