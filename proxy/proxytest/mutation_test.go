package proxytest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/certs"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// probes returns what asks the proxy for one subject each and reports whether the answer is right.
func probes() map[proxytest.Subject]func(t *testing.T, plain, secure string) bool {
	return map[proxytest.Subject]func(t *testing.T, plain, secure string) bool{
		proxytest.Routing: func(t *testing.T, plain, _ string) bool {
			other, _ := get(t, plain, "gyull.com", "/guestbook")
			nobody, status := get(t, plain, "a.b.example.com", "/")
			return other == "web" && status == http.StatusNotFound && nobody != "wild"
		},
		proxytest.Distribution: func(t *testing.T, plain, _ string) bool {
			counts := map[string]int{}
			for range 60 {
				name, _ := get(t, plain, "gyull.com", "/admin")
				counts[name]++
			}
			return counts["a"] == 20 && counts["b"] == 20 && counts["c"] == 20
		},
		proxytest.SourceAddress: func(t *testing.T, plain, _ string) bool {
			address, _ := get(t, plain, "gyull.com", "/source")
			return address == "127.0.0.1"
		},
		proxytest.Canary: func(t *testing.T, plain, _ string) bool {
			answers := 0
			for range 20 {
				if name, _ := get(t, plain, "gyull.com", "/canary"); name == "new" {
					answers++
				}
			}
			return answers == 0 // its weight is 0 of 100
		},
		proxytest.TLS: func(t *testing.T, _, secure string) bool {
			connection, err := tls.Dial("tcp", secure, &tls.Config{ServerName: "gyull.com", InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer connection.Close()
			return connection.ConnectionState().PeerCertificates[0].Subject.CommonName == "gyull.com"
		},
	}
}

func TestEachMutationBreaksItsSubjectAndNoOther(t *testing.T) {
	unbroken := proxytest.Mutation{Name: "no mutation"}
	for _, mutation := range append(proxytest.Mutations(), unbroken) {
		t.Run(mutation.Name, func(t *testing.T) {
			plain, secure := start(t, mutation, table(t))
			for subject, probe := range probes() {
				if right := probe(t, plain, secure); right == (subject == mutation.Breaks) {
					t.Errorf("%s: right is %t", subject, right)
				}
			}
		})
	}
}

func start(t *testing.T, mutation proxytest.Mutation, table *route.Table) (plain, secure string) {
	t.Helper()
	server, err := proxy.New(mutation.Config(proxy.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range server.Apply(mutation.Table(table)) {
		t.Error(problem)
	}
	listeners := make([]net.Listener, 2)
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, mutation.Listener(listeners[0], table), listeners[1]) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listeners[0].Addr().String(), listeners[1].Addr().String()
}

func table(t *testing.T) *route.Table {
	to := func(path, upstream string) route.Route {
		return route.Route{Match: route.PrefixPath(path), Action: route.To(upstream)}
	}
	forward := route.To("old")
	forward.Canary = &route.Canary{Backend: route.Backend{Upstream: "new"}}
	canary := route.Route{Match: route.PrefixPath("/canary"), Action: forward}
	table := &route.Table{
		Hosts: []route.Host{
			{Name: "gyull.com", Routes: []route.Route{
				to("/", "web"), to("/guest", "guest"), to("/admin", "admin"), to("/source", "source"), canary,
			}},
			{Name: "*.gyull.com", Routes: []route.Route{to("/", "wild")}},
		},
		Certificates: []route.Certificate{certificate(t)},
	}
	add := func(upstream string, handlers ...http.HandlerFunc) {
		u := route.Upstream{Name: upstream}
		for _, handler := range handlers {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			u.Endpoints = append(u.Endpoints, route.Endpoint{Address: netip.MustParseAddrPort(server.Listener.Addr().String())})
		}
		table.Upstreams = append(table.Upstreams, u)
	}
	for _, name := range []string{"web", "guest", "wild", "old", "new"} {
		add(name, named(name))
	}
	add("admin", named("a"), named("b"), named("c"))
	add("source", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-Forwarded-For")) })
	return table
}

func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) }
}

// certificate is one without subject alternative names, as people make with openssl.
func certificate(t *testing.T) route.Certificate {
	t.Helper()
	made, err := certs.SelfSigned("gyull.com")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return route.Certificate{
		Origin:   "default/secret-https",
		ChainPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}),
		KeyPEM:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}
}

func get(t *testing.T, address, host, path string) (body string, status int) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host, request.Close = host, true
	reply, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), reply.StatusCode
}
