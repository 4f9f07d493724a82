//go:build privileged

package embedded_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ingress-testbed/testbed/fixtures/images"
	"github.com/ingress-testbed/testbed/internal/x509util"
)

// The test is also a program that its Pods run, in images of its own.
const (
	testImage       = "testbed.local/test:dev"
	controllerImage = "testbed.local/stand-in:v1.0.0"

	aggregatedAPI  = "aggregated-api"
	aggregatedPort = 8443
)

func TestMain(m *testing.M) {
	programs := map[string]func([]string) error{
		aggregatedAPI:        func([]string) error { return serveAggregatedAPI() },
		"certificate-create": func(args []string) error { return createCertificate(args[0]) },
		"certificate-patch":  func(args []string) error { return patchWebhook(args[0]) },
		"controller":         func([]string) error { return runController() },
	}
	if len(os.Args) > 1 {
		if program := programs[os.Args[1]]; program != nil {
			if err := program(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(runAlone(m))
}

// packTest packs the running test into an archive.
func packTest(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "test.tar")
	if err := images.Archive(images.Spec{Binary: self, Name: testImage, Entrypoint: "/test"}, archive); err != nil {
		t.Fatal(err)
	}
	return archive
}

// serveAggregatedAPI serves the API test.example/v1 to clients with a certificate of CLIENT_CA. Its resource whoami is the
// name of the user that the client speaks for, and its own.
func serveAggregatedAPI() error {
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(os.Getenv("CLIENT_CA")))
	own, err := x509util.Issue(x509.Certificate{Subject: pkix.Name{CommonName: "aggregated"}, NotAfter: time.Now().Add(time.Hour)}, nil)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/apis/test.example/v1", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"test.example/v1","resources":[]}`)
	})
	mux.HandleFunc("/apis/test.example/v1/whoami", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s by %s", r.Header.Get("X-Remote-User"), r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	server := http.Server{
		Addr: fmt.Sprintf(":%d", aggregatedPort), Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert},
	}
	return server.ListenAndServeTLS("", "")
}

const (
	webhookSecret = "stand-in-admission"
	jobTimeout    = time.Minute
)

func inCluster() (kubernetes.Interface, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// createCertificate stores a certificate for a host, which signs itself, in the webhook's Secret.
func createCertificate(host string) error {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	client, err := inCluster()
	if err != nil {
		return err
	}
	own, err := x509util.Issue(x509.Certificate{
		Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, nil)
	if err != nil {
		return err
	}
	key, err := own.KeyPEM()
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: webhookSecret},
		Data:       map[string][]byte{"ca": own.PEM(), "cert": own.PEM(), "key": key},
	}
	_, err = client.CoreV1().Secrets(os.Getenv("POD_NAMESPACE")).Create(ctx, secret, metav1.CreateOptions{})
	return err
}

// patchWebhook makes the API server trust the certificate in the webhook's Secret.
func patchWebhook(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	client, err := inCluster()
	if err != nil {
		return err
	}
	secret, err := client.CoreV1().Secrets(os.Getenv("POD_NAMESPACE")).Get(ctx, webhookSecret, metav1.GetOptions{})
	if err != nil {
		return err // and be restarted
	}
	webhooks := client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	webhook, err := webhooks.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for i := range webhook.Webhooks {
		webhook.Webhooks[i].ClientConfig.CABundle = secret.Data["ca"]
	}
	_, err = webhooks.Update(ctx, webhook, metav1.UpdateOptions{})
	return err
}

// runController serves the stand-in on port 80, its webhook on 8443 and its health on 10254.
func runController() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	if want := "CapEff:\t0000000000000400\n"; !strings.Contains(string(status), want) {
		return fmt.Errorf("the program lacks its file capability: no %q in\n%s", want, status)
	}
	const service = "controller-admission.stand-in.svc.cluster.local"
	if err := awaitName(service); err != nil {
		return err
	}
	log, err := os.OpenFile("/var/log/controller/access.log", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if err := os.WriteFile("/var/lib/controller/state", nil, 0o600); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(log, "%s %s from %s\n", r.Method, r.URL.Path, host)
		io.WriteString(w, "stand-in")
	})
	health := http.NewServeMux()
	health.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	ended := make(chan error)
	for address, handler := range map[string]http.Handler{":80": mux, ":10254": health} {
		server := http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		go func() { ended <- server.ListenAndServe() }()
	}
	webhook := http.Server{Addr: ":8443", Handler: http.HandlerFunc(review), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		ended <- webhook.ListenAndServeTLS("/usr/local/certificates/cert", "/usr/local/certificates/key")
	}()
	return <-ended
}

// awaitName waits until the cluster's DNS server, which starts at the same time, has a name.
func awaitName(host string) error {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, err := net.DefaultResolver.LookupHost(ctx, host)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("cluster DNS: %w", err)
		}
	}
}

// review refuses objects by their name.
func review(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&review)
	if err == nil && review.Request == nil {
		err = errors.New("no request")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: review.Request.Name != "refused"}
	if !review.Response.Allowed {
		review.Response.Result = &metav1.Status{Message: "the stand-in refuses it"}
	}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(review) //nolint:errcheck // the API server reports what it misses
}
