package translate_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// securely is a Service with an endpoint, an Ingress with annotations, given as names and values, and Secrets.
func securely(name, appProtocol string, annotations ...string) []runtime.Object {
	meta := metav1.ObjectMeta{
		Namespace: "default", Name: name, Annotations: map[string]string{},
		Labels: map[string]string{discoveryv1.LabelServiceName: name},
	}
	for i := 0; i < len(annotations); i += 2 {
		meta.Annotations[config.DefaultPrefix+"/"+annotations[i]] = annotations[i+1]
	}
	port := corev1.ServicePort{Port: 443}
	if appProtocol != "" {
		port.AppProtocol = &appProtocol
	}
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "web", Port: networkingv1.ServiceBackendPort{Number: 443},
	}}
	return []runtime.Object{
		&networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{
			Rules: []networkingv1.IngressRule{{Host: name + ".example", IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", Backend: backend}}},
			}}},
		}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{port}},
		},
		&discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: "web", Labels: map[string]string{discoveryv1.LabelServiceName: "web"},
			},
			Ports:     []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: ptr.To(int32(8443))}},
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}},
		},
	}
}

func secret(name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: data}
}

func TestBackendsOverTLS(t *testing.T) {
	authority, err := certificates.NewAuthority("authority")
	if err != nil {
		t.Fatal(err)
	}
	client, err := authority.Issue(certificates.Leaf{Hosts: []string{"proxy"}})
	if err != nil {
		t.Fatal(err)
	}
	secrets := []runtime.Object{
		secret("all", map[string][]byte{"tls.crt": client.Certificate, "tls.key": client.Key, "ca.crt": authority.PEM()}),
		secret("authority", map[string][]byte{"ca.crt": authority.PEM()}),
		secret("client", map[string][]byte{"tls.crt": client.Certificate, "tls.key": client.Key}),
		secret("no-key", map[string][]byte{"tls.crt": client.Certificate, "ca.crt": authority.PEM()}),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "all"}, Data: map[string][]byte{"ca.crt": authority.PEM()}},
	}
	shown := &route.Certificate{Origin: "default/all", ChainPEM: client.Certificate, KeyPEM: client.Key}
	verify := []string{"backend-protocol", "HTTPS", "proxy-ssl-verify", "on", "proxy-ssl-name", "web.example"}
	for name, c := range map[string]struct {
		appProtocol string
		annotations []string
		protocol    route.Protocol
		tls         *route.TLS
		problem     string // part of the message if it fails closed
		severity    problem.Severity
	}{
		"plain":                {protocol: route.HTTP1},
		"https":                {annotations: []string{"backend-protocol", "HTTPS"}, protocol: route.HTTPS},
		"grpcs":                {annotations: []string{"backend-protocol", "GRPCS"}, protocol: route.H2},
		"declared https":       {appProtocol: "https", protocol: route.HTTPS},
		"declared wss":         {appProtocol: "kubernetes.io/wss", protocol: route.HTTPS},
		"declared ws":          {appProtocol: "kubernetes.io/ws", protocol: route.HTTP1},
		"declared h2c":         {appProtocol: "kubernetes.io/h2c", protocol: route.H2C},
		"an annotation counts": {appProtocol: "https", annotations: []string{"backend-protocol", "GRPCS"}, protocol: route.H2},
		"verified": {
			annotations: append(verify, "proxy-ssl-secret", "default/authority", "proxy-ssl-server-name", "on", "proxy-ssl-verify-depth", "2"),
			protocol:    route.HTTPS,
			tls: &route.TLS{
				ServerName: "web.example", SendServerName: true, Verify: true, VerifyDepth: 2, RootsPEM: authority.PEM(),
			},
		},
		"a certificate is shown": {
			annotations: []string{"proxy-ssl-secret", "default/all"}, appProtocol: "https", protocol: route.HTTPS,
			tls: &route.TLS{Certificate: shown},
		},
		"versions and ciphers": {
			annotations: []string{
				"proxy-ssl-secret", "default/authority", "proxy-ssl-protocols", "TLSv1.1 TLSv1.2", "proxy-ssl-ciphers", "ECDHE-RSA-AES128-GCM-SHA256",
			},
			appProtocol: "https", protocol: route.HTTPS,
			tls: &route.TLS{
				MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS12, Ciphers: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
			},
		},
		"restrictions without a Secret": {
			annotations: []string{"proxy-ssl-protocols", "TLSv1.3"}, appProtocol: "https", protocol: route.HTTPS,
			tls: &route.TLS{MinVersion: tls.VersionTLS13},
		},
		"plain text has no secrets": {
			annotations: []string{"proxy-ssl-verify", "on", "proxy-ssl-secret", "default/missing"}, protocol: route.HTTP1,
		},
		"nothing to verify with": {annotations: verify, protocol: route.HTTPS, problem: "ca.crt", severity: problem.Error},
		"no name to verify": {
			annotations: []string{"backend-protocol", "HTTPS", "proxy-ssl-verify", "on", "proxy-ssl-secret", "default/all"},
			protocol:    route.HTTPS, problem: "proxy-ssl-name", severity: problem.Error,
		},
		"no authority": {
			annotations: append(verify, "proxy-ssl-secret", "default/client"),
			protocol:    route.HTTPS, problem: "ca.crt", severity: problem.Warning,
		},
		"no key": {
			annotations: append(verify, "proxy-ssl-secret", "default/no-key"),
			protocol:    route.HTTPS, problem: "tls.key", severity: problem.Warning,
		},
		"missing secret": {
			annotations: []string{"backend-protocol", "GRPCS", "proxy-ssl-secret", "default/missing"},
			protocol:    route.H2, problem: `"default/missing"`, severity: problem.Warning,
		},
		"the secret of others": {
			annotations: append(verify, "proxy-ssl-secret", "other/all"),
			protocol:    route.HTTPS, problem: "namespace of the Ingress", severity: problem.Error,
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := append(securely("shop", c.appProtocol, c.annotations...), secrets...)
			result := translate.Translate(snapshot.Take(snapshottest.NewStore(objects...), snapshot.Settings{WithoutClass: true}))
			if len(result.Table.Upstreams) != 1 {
				t.Fatalf("got the upstreams %v", result.Table.Upstreams)
			}
			u := result.Table.Upstreams[0]
			if u.Protocol != c.protocol || (len(u.Endpoints) == 1) != (c.problem == "") {
				t.Errorf("got %s with the endpoints %v, want %s", u.Protocol, u.Endpoints, c.protocol)
			}
			if diff := cmp.Diff(c.tls, u.TLS); diff != "" {
				t.Error(diff)
			}
			switch {
			case c.problem == "" && len(result.Problems) > 0:
				t.Errorf("got the problems %v", result.Problems)
			case c.problem != "" && (len(result.Problems) != 1 || !strings.Contains(result.Problems[0].Message, c.problem) ||
				result.Problems[0].Severity != c.severity):
				t.Errorf("got the problems %v, want one about %s", result.Problems, c.problem)
			}
		})
	}
}

// TestOneServiceInSeveralWays has Ingresses with different TLS settings for the same Service: each keeps its own.
func TestOneServiceInSeveralWays(t *testing.T) {
	authority, err := certificates.NewAuthority("authority")
	if err != nil {
		t.Fatal(err)
	}
	objects := []runtime.Object{secret("authority", map[string][]byte{"ca.crt": authority.PEM()})}
	for i := range 3 {
		objects = append(objects, securely(fmt.Sprint("verified-", i), "", "backend-protocol", "HTTPS", "proxy-ssl-verify", "on",
			"proxy-ssl-secret", "default/authority", "proxy-ssl-name", fmt.Sprint("name-", i%2))...)
	}
	objects = append(objects, securely("open", "", "backend-protocol", "HTTPS")...)
	objects = append(objects, securely("plain", "")...)
	result := translate.Translate(snapshot.Take(snapshottest.NewStore(objects...), snapshot.Settings{WithoutClass: true}))
	ways := map[string]string{}
	for _, u := range result.Table.Upstreams {
		way := u.Protocol.String()
		if u.TLS != nil {
			way += " " + u.TLS.ServerName
		}
		ways[u.Name] = way
	}
	got := map[string]string{}
	for _, host := range result.Table.Hosts {
		got[host.Name] = ways[host.Routes[0].Action.(route.Forward).Backends[0].Upstream]
	}
	want := map[string]string{
		"verified-0.example": "https name-0", "verified-1.example": "https name-1", "verified-2.example": "https name-0",
		"open.example": "https", "plain.example": "http1",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(ways) != 4 || len(result.Problems) > 0 {
		var table bytes.Buffer
		_ = result.Table.WriteText(&table)
		t.Errorf("%s %v\n%s", diff, result.Problems, &table)
	}
}
