package explain_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/internal/x509util"
)

const sending = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: c}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: mirrored
  namespace: web
  annotations:
    nginx.ingress.kubernetes.io/mirror-target: http://198.18.0.8/copy$request_uri
    nginx.ingress.kubernetes.io/auth-url: http://198.18.0.9/check
spec:
  ingressClassName: nginx
  rules:
  - host: mirrored.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: errors
  namespace: web
  annotations:
    nginx.ingress.kubernetes.io/custom-http-errors: "404"
    nginx.ingress.kubernetes.io/default-backend: errors
spec:
  ingressClassName: nginx
  rules:
  - host: errors.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: itself
  namespace: web
  annotations:
    nginx.ingress.kubernetes.io/custom-http-errors: "404"
    nginx.ingress.kubernetes.io/default-backend: shop
    nginx.ingress.kubernetes.io/mirror-target: http://10.0.0.1:8080/copy
spec:
  ingressClassName: nginx
  rules:
  - host: itself.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: partners
  namespace: web
  annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: web/ca, nginx.ingress.kubernetes.io/auth-tls-match-cn: CN=partner}
spec:
  ingressClassName: nginx
  tls: [{hosts: [partners.test], secretName: missing}]
  rules:
  - host: partners.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: passed
  namespace: web
  annotations: {nginx.ingress.kubernetes.io/ssl-passthrough: "true"}
spec:
  ingressClassName: nginx
  rules:
  - host: passed.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: errors, namespace: web}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: shop, namespace: web, labels: {kubernetes.io/service-name: shop}}
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: errors, namespace: web, labels: {kubernetes.io/service-name: errors}}
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.0.0.3]}]
---
apiVersion: v1
kind: Secret
metadata: {name: ca, namespace: web}
data: {ca.crt: %s}
`

func authority(t *testing.T) *x509util.Certificate {
	t.Helper()
	issued, err := x509util.Issue(x509.Certificate{
		Subject: pkix.Name{CommonName: "partners"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// clientFiles writes a certificate of a client and its key.
func clientFiles(t *testing.T, issuer *x509util.Certificate, name string) (certificate, key string) {
	t.Helper()
	issued, err := x509util.Issue(x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, issuer)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := issued.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, content := range map[string][]byte{certificate: issued.PEM(), key: keyPEM} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// notFound answers 404 at all endpoints but those of the authentication server and of the error backend.
func notFound(w http.ResponseWriter, r *http.Request) {
	address, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	switch {
	case strings.HasPrefix(address.String(), "198.18.0.9:"), strings.HasPrefix(address.String(), "10.0.0.3:"), r.Header.Get("X-Code") != "":
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func newSending(t *testing.T, ca *x509util.Certificate) *explain.Explainer {
	t.Helper()
	manifest := fmt.Sprintf(sending, base64.StdEncoding.EncodeToString(ca.PEM()))
	return newExplainer(t, manifest, snapshot.Settings{Passthrough: true}, explain.Options{Backend: http.HandlerFunc(notFound)})
}

// purposes are the requests that policies have sent, as PURPOSE ADDRESS LINE.
func purposes(x *explain.Explanation) []string {
	var all []string
	for _, call := range x.Calls {
		all = append(all, fmt.Sprintf("%s %s %s", call.For, call.To, call.Line))
	}
	slices.Sort(all)
	return all
}

// Requests that policies send are told from the client's own, even where one endpoint gets all of them.
func TestRequestsOfPolicies(t *testing.T) {
	t.Parallel()
	explainer := newSending(t, authority(t))
	for _, c := range []struct {
		url    string
		calls  []string
		sent   string
		answer string
		text   []string
	}{
		{
			url:   "http://mirrored.test/a?b=c",
			calls: []string{"authentication 198.18.0.9:80 GET /check HTTP/1.1", "copy 198.18.0.8:80 GET /copy/a?b=c HTTP/1.1"},
			sent:  "10.0.0.1:8080 GET /a?b=c HTTP/1.1", answer: "404 by the backend", text: []string{"\nasks ", "\ncopies to "},
		},
		{
			url: "http://errors.test/a", calls: []string{"error page 10.0.0.3:8080 GET / HTTP/1.1"}, sent: "10.0.0.1:8080 GET /a HTTP/1.1",
			answer: "200 by the error backend", text: []string{"\nerror page of ", "X-Code: 404"},
		},
		{
			url: "http://itself.test/a", calls: []string{"copy 10.0.0.1:8080 GET /copy HTTP/1.1", "error page 10.0.0.1:8080 GET / HTTP/1.1"},
			sent: "10.0.0.1:8080 GET /a HTTP/1.1", answer: "200 by the error backend",
		},
	} {
		x, err := explainer.Explain(t.Context(), request(t, c.url, explain.Flags{}))
		if err != nil {
			t.Fatal(err)
		}
		if got := purposes(x); !slices.Equal(got, c.calls) {
			t.Errorf("%s: policies have sent %q, want %q", c.url, got, c.calls)
		}
		if x.Sent == nil || x.Sent.To+" "+x.Sent.Line != c.sent {
			t.Errorf("%s: the backend got %+v, want %s", c.url, x.Sent, c.sent)
		}
		if got := fmt.Sprintf("%d by the %s", x.Answer.Status, x.Answer.By); got != c.answer {
			t.Errorf("%s: %s, want %s", c.url, got, c.answer)
		}
		var text strings.Builder
		if err := x.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		for _, part := range c.text {
			if !strings.Contains(text.String(), part) {
				t.Errorf("%s: the text lacks %q:\n%s", c.url, part, text.String())
			}
		}
	}
}

// A client certificate is read as curl does, and decides the answer.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ca := authority(t)
	explainer := newSending(t, ca)
	certificate, key := clientFiles(t, ca, "partner")
	other, otherKey := clientFiles(t, ca, "somebody")
	for name, c := range map[string]struct {
		args   []string
		status int // of the answer; the backend's is 404
	}{
		"none": {nil, 400}, "another name": {[]string{"-E", other, "--key", otherKey}, 403}, "a partner's": {[]string{"--cert", certificate, "--key", key}, 404},
	} {
		var flags explain.Flags
		set := pflag.NewFlagSet("explain", pflag.ContinueOnError)
		flags.Register(set)
		if err := set.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		x, err := explainer.Explain(t.Context(), request(t, "https://partners.test/", flags))
		if err != nil {
			t.Fatal(err)
		}
		if x.Answer.Status != c.status || (x.Sent != nil) != (c.status == 404) {
			t.Errorf("%s: %+v, sent %+v", name, x.Answer, x.Sent)
		}
	}
	if _, err := explain.NewRequest("https://partners.test", explain.Flags{Certificate: "x"}); err == nil || !strings.HasPrefix(err.Error(), "--cert: ") {
		t.Errorf("not a certificate: %v", err)
	}
	var flags explain.Flags
	set := pflag.NewFlagSet("explain", pflag.ContinueOnError)
	flags.Register(set)
	if err := set.Parse([]string{"--cert", filepath.Join(t.TempDir(), "missing.pem")}); err == nil {
		t.Error("a missing file is accepted")
	}
}

// A TLS connection that is passed through reaches the endpoint with its own handshake, and nothing of the request is explained.
func TestPassthrough(t *testing.T) {
	t.Parallel()
	explainer := newSending(t, authority(t))
	x, err := explainer.Explain(t.Context(), request(t, "https://passed.test/a?b", explain.Flags{}))
	if err != nil {
		t.Fatal(err)
	}
	if x.Passthrough == nil || x.Passthrough.Service != "web/shop:80" || x.Passthrough.Host != "passed.test" || x.Backend != nil || x.Paths != nil ||
		x.Answer.Status != 404 || x.Answer.By != "backend" || x.Sent == nil || x.Sent.To+" "+x.Sent.Line != "10.0.0.1:8080 GET /a?b HTTP/1.1" {
		t.Errorf("%+v", x)
	}
	if len(x.Other.Differences) > 0 {
		t.Errorf("the other mode: %q", x.Other.Differences)
	}
	for _, field := range x.Sent.Header {
		if strings.HasPrefix(field.Name, "X-Forwarded") {
			t.Errorf("the proxy has added %s", field)
		}
	}
	plain, err := explainer.Explain(t.Context(), request(t, "http://passed.test/a", explain.Flags{}))
	if err != nil {
		t.Fatal(err)
	}
	if plain.Passthrough != nil || plain.Answer.By != "controller" {
		t.Errorf("in plain text: %+v", plain.Answer)
	}
}
