package proxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/internal/x509util"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// mutual has one host that requires a client certificate and one that doesn't. Both are answered with 418 if they let a
// request pass.
func mutual(t *testing.T) (s served, known, unknown tls.Certificate) {
	t.Helper()
	authority, stranger := selfSigned(t, "alice"), selfSigned(t, "mallory")
	root := route.PrefixPath("/")
	s = serve(t, proxy.Config{}, &route.Table{
		Hosts: []route.Host{
			{Name: "mutual.example", Routes: []route.Route{{
				Match: root, Action: route.Deny{Status: 418}, Policies: []route.Policy{access.ClientCertificate{RootsPEM: authority.PEM()}},
			}}},
			{Name: "open.example", Routes: []route.Route{{Match: root, Action: route.Deny{Status: 418}}}},
		},
		ClientAuthorities: []route.ClientAuthorities{{Host: "mutual.example", RootsPEM: authority.PEM()}},
	})
	return s, authority.TLS(), stranger.TLS()
}

// selfSigned makes a certificate for any purpose that is its own authority.
func selfSigned(t *testing.T, name string) *x509util.Certificate {
	t.Helper()
	made, err := x509util.Issue(x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// ask sends a request for a host on a connection that is opened for a server name.
func (s served) ask(t *testing.T, config *tls.Config, host string) (status int, state tls.ConnectionState) {
	t.Helper()
	config.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", s.secure, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if conn.ConnectionState().NegotiatedProtocol == "h2" {
		client, err := new(http2.Transport).NewClientConn(conn)
		if err != nil {
			t.Fatal(err)
		}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/", nil)
		reply, err := client.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		return reply.StatusCode, conn.ConnectionState()
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	return reply.StatusCode, conn.ConnectionState()
}

func TestClientCertificates(t *testing.T) {
	s, known, unknown := mutual(t)
	for _, protocol := range []string{"http/1.1", "h2"} {
		for _, c := range []struct {
			serverName, host string
			shown            *tls.Certificate
			want             int
		}{
			{"mutual.example", "mutual.example", &known, 418}, {"mutual.example", "mutual.example", &unknown, 400},
			{"mutual.example", "mutual.example", nil, 400},
			{"open.example", "open.example", nil, 418}, {"open.example", "open.example", &unknown, 418},
			// A connection for another host leads nowhere, also with a certificate.
			{"open.example", "mutual.example", nil, 421}, {"open.example", "mutual.example", &known, 421},
			{"", "mutual.example", nil, 400}, {"mutual.example", "open.example", &known, 418},
		} {
			config := &tls.Config{ServerName: c.serverName, NextProtos: []string{protocol}}
			requested := false
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				requested = true
				if c.shown == nil {
					return new(tls.Certificate), nil
				}
				return c.shown, nil
			}
			if got, _ := s.ask(t, config, c.host); got != c.want {
				t.Errorf("%s, server name %q, host %q, certificate %t: got %d, want %d", protocol, c.serverName, c.host, c.shown != nil, got, c.want)
			}
			if requested != (c.serverName == "mutual.example") {
				t.Errorf("server name %q: a certificate is requested: %t", c.serverName, requested)
			}
		}
	}
}

// TestResumedSessionsKeepTheirCertificate resumes sessions, also one that was made for a host without certificates.
func TestResumedSessionsKeepTheirCertificate(t *testing.T) {
	s, known, _ := mutual(t)
	for _, c := range []struct {
		first string
		want  int
	}{{"mutual.example", 418}, {"open.example", 400}} {
		cache := new(oneSession)
		config := &tls.Config{ServerName: c.first, Certificates: []tls.Certificate{known}, ClientSessionCache: cache}
		s.ask(t, config, c.first)
		config = &tls.Config{ServerName: "mutual.example", ClientSessionCache: cache}
		status, state := s.ask(t, config, "mutual.example")
		if !state.DidResume || status != c.want {
			t.Errorf("a session for %s: resumed %t, got %d, want %d", c.first, state.DidResume, status, c.want)
		}
	}
}
