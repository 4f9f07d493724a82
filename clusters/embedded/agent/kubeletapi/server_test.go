//go:build linux

package kubeletapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
	"github.com/ingress-testbed/testbed/internal/x509util"
)

// oneLog is a node with one Pod, of which only a log is left.
type oneLog struct {
	Pod
	path string
}

func (o oneLog) List() []*corev1.Pod { return []*corev1.Pod{o.pod()} }

func (o oneLog) All() []Pod { return []Pod{podOf{o}} }
func (o oneLog) Find(namespace, name string) (Pod, error) {
	if namespace != "shop" || name != "web" {
		return nil, fmt.Errorf("%s/%s: %w", namespace, name, ErrNotFound)
	}
	return podOf{o}, nil
}

func (o oneLog) pod() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u-1"}}
}

type podOf struct{ o oneLog }

func (p podOf) Pod() *corev1.Pod { return p.o.pod() }

func (p podOf) Log(container string, previous bool) (containers.Log, error) {
	if container != "c" || previous {
		return containers.Log{}, fmt.Errorf("%w: %s", containers.ErrNoContainer, container)
	}
	return containers.Log{Path: p.o.path, Running: func() bool { return false }}, nil
}

func (p podOf) Running() []containers.Running {
	return []containers.Running{{Name: "c", Image: "web:1", PID: os.Getpid(), StartedAt: time.Unix(1_700_000_000, 0)}}
}
func (p podOf) Exec(context.Context, string, []string, containers.Streams) error {
	return containers.ErrNotRunning
}
func (p podOf) Attach(context.Context, string, containers.Streams) error {
	return containers.ErrNotRunning
}
func (p podOf) PortForward(context.Context, int32, io.ReadWriteCloser) error {
	return containers.ErrNotRunning
}

// authority makes certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509util.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert = a.sign("ca", nil)
	return a
}

func (a *authority) sign(name string, issuer *x509util.Certificate) *x509util.Certificate {
	a.t.Helper()
	made, err := x509util.Issue(x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: issuer == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, issuer)
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := made.KeyPEM()
	if err != nil {
		a.t.Fatal(err)
	}
	for ending, content := range map[string][]byte{".crt": made.PEM(), ".key": key} {
		if err := os.WriteFile(a.path(name+ending), content, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return made
}

func (a *authority) path(file string) string { return filepath.Join(a.dir, file) }

// client trusts the authority and shows the named certificate, if any.
func (a *authority) client(name string) *http.Client {
	a.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert.X509)
	config := &tls.Config{RootCAs: pool}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.path(name+".crt"), a.path(name+".key"))
		if err != nil {
			a.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 5 * time.Second}
}

func serve(t *testing.T) (base string, a *authority) {
	t.Helper()
	a = newAuthority(t)
	a.sign("server", a.cert)
	a.sign("apiserver", a.cert)
	path := filepath.Join(t.TempDir(), "0.log")
	l, err := crilog.Open(path, crilog.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []struct{ stream, text string }{{crilog.Stdout, "one\ntwo\nthree\n"}, {crilog.Stderr, "oops\n"}} {
		if err := l.Copy(out.stream, strings.NewReader(out.text), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{
		NodeName: "k3s-w1", Address: netip.MustParseAddrPort("127.0.0.1:0"), Cert: a.path("server.crt"), Key: a.path("server.key"),
		ClientCA: a.path("ca.crt"), Client: reviewer(), Pods: oneLog{path: path}, LogDir: filepath.Dir(path),
		Settings: kubeletconfig.KubeletConfiguration{ClusterDomain: "cluster.local"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "https://" + s.listener.Addr().String(), a
}

// reviewer is an API server that knows the token of a service account that may read metrics, and lets the API server's
// certificate do everything.
func reviewer() kubernetes.Interface {
	client := fake.NewClientset()
	client.PrependReactor("create", "tokenreviews", func(action k8stesting.Action) (bool, runtime.Object, error) {
		review := action.(k8stesting.CreateAction).GetObject().(*authenticationv1.TokenReview).DeepCopy()
		switch review.Spec.Token {
		case "metrics":
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: "metrics"}}
		case "broken":
			return true, nil, errors.New("no API server")
		}
		return true, review, nil
	})
	client.PrependReactor("create", "subjectaccessreviews", func(action k8stesting.Action) (bool, runtime.Object, error) {
		review := action.(k8stesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview).DeepCopy()
		attributes := review.Spec.ResourceAttributes
		review.Status.Allowed = attributes.Resource == "nodes" && attributes.Name == "k3s-w1" && attributes.Verb == "get" &&
			(review.Spec.User == "apiserver" || review.Spec.User == "metrics" && attributes.Subresource == "metrics")
		return true, review, nil
	})
	return client
}

func TestAccess(t *testing.T) {
	base, a := serve(t)
	stranger := newAuthority(t)
	stranger.sign("apiserver", stranger.cert)
	a.sign("other", a.cert)
	for _, c := range []struct {
		certificate, token, path string
		want                     int
	}{
		{"", "", "/healthz", http.StatusUnauthorized},
		{"", "unknown", "/healthz", http.StatusUnauthorized},
		{"", "metrics", "/metrics/resource", http.StatusOK},
		{"", "metrics", "/healthz", http.StatusForbidden},
		{"", "metrics", "/containerLogs/shop/web/c", http.StatusForbidden},
		{"", "broken", "/metrics/resource", http.StatusInternalServerError},
		{"other", "", "/containerLogs/shop/web/c", http.StatusForbidden},
		{"apiserver", "", "/containerLogs/shop/web/c", http.StatusOK},
	} {
		for range 2 { // the second decision is a kept one
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				request.Header.Set("Authorization", "Bearer "+c.token)
			}
			reply, err := a.client(c.certificate).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			if reply.StatusCode != c.want {
				t.Errorf("%s with certificate %q and token %q: %s, want %d", c.path, c.certificate, c.token, reply.Status, c.want)
			}
		}
	}
	other := a.client("")
	pair, err := tls.LoadX509KeyPair(stranger.path("apiserver.crt"), stranger.path("apiserver.key"))
	if err != nil {
		t.Fatal(err)
	}
	other.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
	if reply, err := other.Get(base + "/healthz"); err == nil {
		t.Errorf("with a stranger's certificate: %s", reply.Status)
	}
	reply, err := a.client("apiserver").Get(base + "/healthz")
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("with a certificate: %v, %v", reply, err)
	}
}

func TestAnswers(t *testing.T) {
	base, a := serve(t)
	client := a.client("apiserver")
	cases := []struct {
		path string
		code int
		body string
	}{
		{"/containerLogs/shop/web/c?stream=Stdout", 200, "one\ntwo\nthree\n"},
		{"/containerLogs/shop/web/c", 200, "one\ntwo\nthree\noops\n"},
		{"/containerLogs/shop/web/c?tailLines=2&follow=true", 200, "three\noops\n"},
		{"/containerLogs/shop/web/c?stream=Stderr", 200, "oops\n"},
		{"/containerLogs/shop/web/c?limitBytes=3&stream=Stdout", 200, "one"},
		{"/containerLogs/shop/web/c?sinceTime=2999-01-01T00:00:00Z", 200, ""},
		{"/containerLogs/shop/web/c?tailLines=x", 400, "tailLines"},
		{"/containerLogs/shop/web/c?tailLines=-1", 400, "tailLines"},
		{"/containerLogs/shop/web/c?previous=true", 404, "no such container"},
		{"/containerLogs/shop/web/none", 404, "no such container"},
		{"/containerLogs/shop/none/c", 404, "does not run on this node"},
		{"/exec/shop/web/u-2/c?command=x&output=1", 404, "does not run on this node"},
		{"/exec/shop/web/c?command=x", 400, "at least 1 of stdin"},
		{"/exec/shop/web/c?output=1", 400, "no command"},
		{"/portForward/shop/none", 404, "does not run on this node"},
		{"/pods", 200, `"name":"web"`},
		{"/none", 404, ""},
		{"/runningpods/", 200, `"containers":[{"name":"c","image":"web:1"`},
		{"/stats/summary", 200, `"podRef":{"name":"web","namespace":"shop","uid":"u-1"}`},
		{"/metrics", 200, `kubelet_running_containers{container_state="running"} 1`},
		{"/metrics/resource", 200, `container_start_time_seconds{container="c",namespace="shop",pod="web"} 1.7e+09`},
		{"/configz", 200, `{"kubeletconfig":{`},
		{"/logs/", 200, "pods/"},
		{"/logs/pods/0.log", 200, "stdout F one"},
		{"/logs/pods/../../etc/passwd", 404, ""},
	}
	for _, c := range cases {
		t.Run(c.path, func(t *testing.T) {
			reply, err := client.Get(base + c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			body, err := io.ReadAll(reply.Body)
			if err != nil {
				t.Fatal(err)
			}
			right := strings.Contains(string(body), c.body)
			if c.code == http.StatusOK && strings.HasPrefix(c.path, "/containerLogs/") {
				right = string(body) == c.body
			}
			if reply.StatusCode != c.code || !right {
				t.Errorf("%d %q, want %d %q", reply.StatusCode, body, c.code, c.body)
			}
		})
	}
}

func FuzzParseLogQuery(f *testing.F) {
	f.Add("follow=true&tailLines=10&sinceSeconds=5&timestamps=1&limitBytes=7&stream=All&previous=0")
	f.Add("sinceTime=2024-10-12T03:21:29Z")
	f.Add("tailLines=-1&sinceSeconds=99999999999999999999")
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, err := parseLogQuery(values, time.Now())
		if err == nil && (q.options.TailLines != nil && *q.options.TailLines < 0 || q.options.LimitBytes != nil && *q.options.LimitBytes < 0) {
			t.Errorf("%q is accepted as %+v", raw, q)
		}
	})
}
