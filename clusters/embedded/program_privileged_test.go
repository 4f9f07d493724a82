//go:build privileged

package embedded_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/fixtures/images"
	"github.com/ingress-testbed/testbed/internal/x509util"
)

// The test is also a program that its Pods run, in an image of its own.
const (
	testImage = "testbed.local/test:dev"

	aggregatedAPI  = "aggregated-api"
	aggregatedPort = 8443
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == aggregatedAPI {
		fmt.Fprintln(os.Stderr, serveAggregatedAPI())
		os.Exit(1)
	}
	os.Exit(m.Run())
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
	// Kubelets probe the port without a certificate, over TCP only.
	server := http.Server{
		Addr: fmt.Sprintf(":%d", aggregatedPort), Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{own.TLS()}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert},
	}
	return server.ListenAndServeTLS("", "")
}
