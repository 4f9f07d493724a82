package app_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ingress-testbed/testbed/controller/admission"
	"github.com/ingress-testbed/testbed/controller/app"
	"github.com/ingress-testbed/testbed/controller/configdump"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
)

// These tests run the whole controller: objects go into a fake API server, requests over real sockets to the proxy
// and from there to real backends.

func TestAnIngressIsServedAndGetsItsAddress(t *testing.T) {
	w := start(t)
	w.backend("web", "web-1", "web-2")
	w.create(ingress("shop", "shop.example.com", "/", "web"))

	w.expect("shop.example.com", "/", 200, "web-")
	counts := map[string]int{}
	for range 10 {
		counts[w.get("shop.example.com", "/").body]++
	}
	if counts["web-1"] != 5 || counts["web-2"] != 5 {
		t.Errorf("10 requests over two endpoints: %v", counts)
	}
	w.eventually(func() error {
		return want("address", w.ingress("shop").Status.LoadBalancer.Ingress, []networkingv1.IngressLoadBalancerIngress{
			{IP: "10.10.200.170"},
		})
	})
	w.expect("other.example.com", "/", 404, "")
}

func TestEndpointsComeAndGo(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.expect("shop.example.com", "/", 200, "one")

	w.backend("web", "two")
	w.expect("shop.example.com", "/", 200, "two")
	w.backend("web")
	w.expect("shop.example.com", "/", 503, "")
	w.backend("web", "three")
	w.expect("shop.example.com", "/", 200, "three")
}

func TestADeletedIngressIsNotServed(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.expect("shop.example.com", "/", 200, "one")
	w.delete("shop")
	w.expect("shop.example.com", "/", 404, "")
}

func TestACanaryTakesItsShare(t *testing.T) {
	w := start(t)
	w.backend("main", "main")
	w.backend("canary", "canary")
	w.create(ingress("main", "shop.example.com", "/", "main"))
	w.create(annotated(ingress("canary", "shop.example.com", "/", "canary"), "canary", "true", "canary-by-header", "X-Canary"))
	w.expect("shop.example.com", "/", 200, "main")
	w.eventually(func() error {
		return want("answer to X-Canary: always", w.get("shop.example.com", "/", "X-Canary", "always").body, "canary")
	})
}

func TestBackendsAreVerifiedWithTheSecretOfTheAnnotation(t *testing.T) {
	w := start(t)
	authority, err := certificates.NewAuthority("authority")
	if err != nil {
		t.Fatal(err)
	}
	issued, err := authority.Issue(certificates.Leaf{Hosts: []string{"web.internal"}})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(issued.Certificate, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	w.serviceOf("web", func(server *httptest.Server) {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		server.StartTLS()
	}, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { fmt.Fprintf(out, "sni %q", r.TLS.ServerName) }))
	verified := func(host, name string) *networkingv1.Ingress {
		return annotated(ingress(strings.Split(host, ".")[0], host, "/", "web"), "backend-protocol", "HTTPS",
			"proxy-ssl-verify", "on", "proxy-ssl-secret", "default/backends", "proxy-ssl-server-name", "on", "proxy-ssl-name", name)
	}
	w.create(verified("good.example.com", "web.internal"))
	w.create(verified("bad.example.com", "other.internal"))
	w.create(annotated(ingress("any", "any.example.com", "/", "web"), "backend-protocol", "HTTPS"))
	w.expect("any.example.com", "/", 200, `sni ""`)
	w.expect("good.example.com", "/", 503, "") // until the Secret is there
	w.put(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "backends"}, Data: map[string][]byte{"ca.crt": authority.PEM()},
	})
	w.expect("good.example.com", "/", 200, `sni "web.internal"`)
	w.expect("bad.example.com", "/", 502, "")
}

func TestForwardedHeadersAreTrustedOnceTheConfigMapSaysSo(t *testing.T) {
	w := start(t)
	w.service("web", http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		fmt.Fprint(out, r.Header.Get("X-Forwarded-For"))
	}))
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.expect("shop.example.com", "/", 200, "127.0.0.1")
	for _, step := range []struct{ setting, seen string }{{"true", "203.0.113.9"}, {"false", "127.0.0.1"}} {
		w.put(&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "controller"},
			Data:       map[string]string{"use-forwarded-headers": step.setting},
		})
		w.eventually(func() error {
			return want("X-Forwarded-For", w.get("shop.example.com", "/", "X-Forwarded-For", "203.0.113.9").body, step.seen)
		})
	}
}

func TestOneBrokenIngressDoesNotStopTheOthers(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	w.create(annotated(ingress("broken", "broken.example.com", "/", "nowhere"), "proxy-read-timeout", "soon"))
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.expect("shop.example.com", "/", 200, "one")
	w.expect("broken.example.com", "/", 503, "")
	w.eventually(func() error {
		reasons := map[string]string{}
		for _, event := range w.events() {
			if event.InvolvedObject.Name == "broken" {
				reasons[event.Reason] = event.Message
			}
		}
		for reason, part := range map[string]string{"InvalidAnnotation": `"soon"`, "ServiceNotFound": "default/nowhere"} {
			if !strings.Contains(reasons[reason], part) {
				return fmt.Errorf("no event %s that names %s: %v", reason, part, reasons)
			}
		}
		return nil
	})
}

func TestACertificateIsServedWhenItsSecretIsThere(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	secure := ingress("shop", "shop.example.com", "/", "web")
	secure.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"shop.example.com"}, SecretName: "cert"}}
	w.create(secure)
	w.expect("shop.example.com", "/", 308, "")
	if name := w.certificate("shop.example.com").Subject.CommonName; name == "shop.example.com" {
		t.Fatal("a certificate is served that is not there")
	}

	pair, err := certificates.SelfSigned("shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	w.createSecret(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "cert"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key},
	})
	w.eventually(func() error {
		return want("name in the certificate", w.certificate("shop.example.com").Subject.CommonName, "shop.example.com")
	})
	reply := w.getTLS("shop.example.com", "/")
	if reply.status != 200 || reply.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("over TLS: %d %v", reply.status, reply.header)
	}
}

func TestTheDumpIsWhatIsServed(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	w.create(ingress("shop", "shop.example.com", "/cart", "web"))
	w.expect("shop.example.com", "/cart", 200, "one")
	table, err := configdump.Fetch(t.Context(), w.listening.Status.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Servers) != 1 || table.Servers[0].Name != "shop.example.com" || table.Servers[0].Locations[0].Ingress != "shop" {
		t.Errorf("%+v", table)
	}
}

// TestTheDumpNamesTheServedSettings changes the ConfigMap, which the controller learns of independently of Ingresses.
func TestTheDumpNamesTheServedSettings(t *testing.T) {
	w := start(t)
	for _, tokens := range []string{"true", "false"} {
		held := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "controller"}, Data: map[string]string{"server-tokens": tokens},
		}
		w.put(held) // sets the resource version
		w.eventually(func() error {
			table, err := configdump.Fetch(t.Context(), w.listening.Status.String())
			if err != nil {
				return err
			}
			return want("settings", fmt.Sprint(table.Settings), "[{ingress controller "+held.ResourceVersion+"}]")
		})
	}
}

func TestReadinessAndMetrics(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.expect("shop.example.com", "/", 200, "one")
	for _, path := range []string{"/healthz", "/readyz"} {
		w.eventually(func() error {
			status, _ := w.health(path)
			return want(path, status, http.StatusOK)
		})
	}
	w.eventually(func() error {
		_, metrics := w.health("/metrics")
		for _, line := range []string{
			"testbed_controller_config_last_reload_successful 1", "testbed_controller_leader_election_status 1",
			"testbed_proxy_requests_total", "go_goroutines",
		} {
			if !strings.Contains(metrics, line) {
				return fmt.Errorf("the metrics lack %q:\n%s", line, metrics)
			}
		}
		return nil
	})
}

func TestShutdown(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	slow := w.slowBackend("slow")
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.create(ingress("slow", "slow.example.com", "/", "slow"))
	w.expect("shop.example.com", "/", 200, "one")
	w.eventually(func() error {
		if len(w.ingress("shop").Status.LoadBalancer.Ingress) == 0 || len(w.ingress("slow").Status.LoadBalancer.Ingress) == 0 {
			return fmt.Errorf("no address yet")
		}
		return nil
	})

	answer := make(chan reply, 1)
	go func() { answer <- w.get("slow.example.com", "/") }()
	<-slow.asked
	w.terminate()
	w.eventually(func() error {
		status, _ := w.health("/readyz")
		return want("readiness while stopping", status, http.StatusServiceUnavailable)
	})
	time.AfterFunc(50*time.Millisecond, slow.finish)
	if got := <-answer; got.status != 200 || got.body != "slow" {
		t.Errorf("the request that was running got %d %q", got.status, got.body)
	}
	if err := w.wait(); err != nil {
		t.Errorf("the controller ended with %v", err)
	}
	for _, name := range []string{"shop", "slow"} {
		if left := w.ingress(name).Status.LoadBalancer.Ingress; len(left) > 0 {
			t.Errorf("Ingress %s still has the address %v", name, left)
		}
	}
}

func TestAnotherReplicaKeepsTheStatus(t *testing.T) {
	w := start(t)
	w.backend("web", "one")
	w.createPod(controllerPod("controller-2"))
	w.create(ingress("shop", "shop.example.com", "/", "web"))
	w.eventually(func() error {
		if len(w.ingress("shop").Status.LoadBalancer.Ingress) == 0 {
			return fmt.Errorf("no address yet")
		}
		return nil
	})
	w.terminate()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
	if len(w.ingress("shop").Status.LoadBalancer.Ingress) == 0 {
		t.Error("the address is gone, though another controller serves the Ingress")
	}
}

func TestTheWebhookRefuses(t *testing.T) {
	authority, err := certificates.NewAuthority("webhook")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(certificates.Leaf{Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	chain, key := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	for file, content := range map[string][]byte{chain: pair.Certificate, key: pair.Key} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := start(t, func(o *app.Options) {
		o.ValidatingWebhook, o.ValidatingWebhookCert, o.ValidatingWebhookKey = "127.0.0.1:0", chain, key
	})
	w.backend("web", "one")
	shop := ingress("shop", "shop.example.com", "/", "web")
	shop.CreationTimestamp = metav1.Now() // one that is not made yet is the younger one
	w.create(shop)
	w.expect("shop.example.com", "/", 200, "one")

	raw, err := json.Marshal(ingress("thief", "shop.example.com", "/", "web"))
	if err != nil {
		t.Fatal(err)
	}
	question, err := json.Marshal(admissionv1.AdmissionReview{Request: &admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Namespace: "default", Object: runtime.RawExtension{Raw: raw},
		Kind: metav1.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"},
	}
	response, err := (&http.Client{Transport: transport}).Post(
		"https://"+w.listening.Webhook.String()+admission.Path, "application/json", bytes.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer admissionv1.AdmissionReview
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Response.Allowed || !strings.Contains(answer.Response.Result.Message, "default/shop") {
		t.Errorf("%+v", answer.Response)
	}
}

func TestTLSVersions(t *testing.T) {
	w := start(t)
	_, err := tls.Dial("tcp", w.listening.Secure.String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}
