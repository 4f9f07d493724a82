package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// authority issues certificates and revocation lists.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string, issuer *authority) *authority {
	t.Helper()
	return issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, issuer)
}

func issue(t testing.TB, template *x509.Certificate, issuer *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(1)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	template.NotBefore = time.Now().Add(-2 * time.Hour)
	made := &authority{key: key}
	if issuer == nil {
		issuer = &authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, key.Public(), issuer.key)
	if err == nil {
		made.certificate, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (a *authority) client(t testing.TB, change func(*x509.Certificate)) *x509.Certificate {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "alice"}, SerialNumber: big.NewInt(7)}
	if change != nil {
		change(template)
	}
	return issue(t, template, a).certificate
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

func (a *authority) revoke(t testing.TB, until time.Time, serials ...int64) []byte {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: until}
	for _, serial := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: big.NewInt(serial), RevocationTime: time.Now().Add(-time.Hour),
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func TestClientCertificate(t *testing.T) {
	root, other := newAuthority(t, "root", nil), newAuthority(t, "other", nil)
	intermediate := newAuthority(t, "intermediate", root)
	good, deep := root.client(t, nil), intermediate.client(t, nil)
	expired := root.client(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })
	server := root.client(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	future := time.Now().Add(time.Hour)
	none := []*x509.Certificate(nil)
	change := func(change func(*ClientCertificate)) func(*ClientCertificate) { return change }
	for _, c := range []struct {
		name   string
		change func(*ClientCertificate)
		shown  []*x509.Certificate
		want   int
		verify string // the field that the endpoint gets
	}{
		{"good", nil, []*x509.Certificate{good}, 0, "SUCCESS"},
		{"none", nil, none, 400, ""},
		{"of another authority", nil, []*x509.Certificate{other.client(t, nil)}, 400, ""},
		{"expired", nil, []*x509.Certificate{expired}, 400, ""},
		{"of a server", nil, []*x509.Certificate{server}, 400, ""},
		{"of an intermediate authority", nil, []*x509.Certificate{deep, intermediate.certificate}, 0, "SUCCESS"},
		{"of an intermediate authority that is not shown", nil, []*x509.Certificate{deep}, 400, ""},
		{"too deep", change(func(p *ClientCertificate) { p.Depth = 0 }), []*x509.Certificate{deep, intermediate.certificate}, 400, ""},
		{"optional, none", change(func(p *ClientCertificate) { p.Verify = Optional }), none, 0, "NONE"},
		{"optional, of another authority", change(func(p *ClientCertificate) { p.Verify = Optional }),
			[]*x509.Certificate{other.client(t, nil)}, 400, ""},
		{"any authority", change(func(p *ClientCertificate) { p.Verify = OptionalAnyCA }),
			[]*x509.Certificate{other.client(t, nil)}, 0, "FAILED"},
		{"any authority, expired", change(func(p *ClientCertificate) { p.Verify = OptionalAnyCA }), []*x509.Certificate{expired}, 400, ""},
		{"the subject", change(func(p *ClientCertificate) { p.Subject = "CN=ali" }), []*x509.Certificate{good}, 0, "SUCCESS"},
		{"another subject", change(func(p *ClientCertificate) { p.Subject = "CN=bob" }), []*x509.Certificate{good}, 403, ""},
		{"no subject", change(func(p *ClientCertificate) { p.Subject, p.Verify = "CN=ali", Optional }), none, 403, ""},
		{"error page", change(func(p *ClientCertificate) { p.ErrorPage = "https://error.example/" }), none, 302, ""},
		{"not revoked", change(func(p *ClientCertificate) { p.CRLPEM = root.revoke(t, future, 8) }), []*x509.Certificate{good}, 0, "SUCCESS"},
		{"revoked", change(func(p *ClientCertificate) { p.CRLPEM = root.revoke(t, future, 8, 7) }), []*x509.Certificate{good}, 400, ""},
		{"a list that is out of date", change(func(p *ClientCertificate) { p.CRLPEM = root.revoke(t, time.Now().Add(-time.Hour)) }),
			[]*x509.Certificate{good}, 400, ""},
		{"the list of another authority", change(func(p *ClientCertificate) { p.CRLPEM = other.revoke(t, future) }),
			[]*x509.Certificate{good}, 400, ""},
		{"no list of an intermediate authority", change(func(p *ClientCertificate) { p.CRLPEM = root.revoke(t, future) }),
			[]*x509.Certificate{deep, intermediate.certificate}, 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ClientCertificate{RootsPEM: root.pem(), Depth: 1}
			if c.change != nil {
				c.change(&p)
			}
			chain := compile(t, p)
			for range 2 { // the second time, it may be remembered
				r := newRequest(t, "/", "ssl-client-verify: SUCCESS", "SSL-Client-Subject-DN: CN=root", "ssl-client-cert: x",
					"ssl-client-issuer-dn: CN=root")
				r.TLS = &tls.ConnectionState{ServerName: "shop.example", PeerCertificates: c.shown}
				if got := answer(chain, r); got != c.want {
					t.Fatalf("got %d, want %d", got, c.want)
				}
				if lines := string(r.RequestLines); c.verify != "" && !strings.HasPrefix(lines, "ssl-client-verify: "+c.verify) {
					t.Errorf("got the lines %q", lines)
				}
				for _, name := range fieldNames {
					if _, found := r.Message.Lookup(name); found {
						t.Errorf("the client's own %s is forwarded", name)
					}
				}
			}
		})
	}
}

func TestClientCertificateFields(t *testing.T) {
	root := newAuthority(t, "root", nil)
	client := root.client(t, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "alice", Organization: []string{"a, b"}}
	})
	r := newRequest(t, "/")
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{client}}
	answer(compile(t, ClientCertificate{RootsPEM: root.pem(), PassCertificate: true}), r)
	got := string(r.RequestLines)
	if !strings.HasPrefix(got, "ssl-client-cert: -----BEGIN%20CERTIFICATE-----%0AMII") ||
		!strings.HasSuffix(got, "%0A-----END%20CERTIFICATE-----%0A\r\nssl-client-verify: SUCCESS\r\n"+
			"ssl-client-subject-dn: CN=alice,O=a\\, b\r\nssl-client-issuer-dn: CN=root\r\n") {
		t.Errorf("got %q", got)
	}
}

// TestClientCertificateOfAnotherHost sends requests on connections that were opened for other hosts.
func TestClientCertificateOfAnotherHost(t *testing.T) {
	root := newAuthority(t, "root", nil)
	good := []*x509.Certificate{root.client(t, nil)}
	for _, c := range []struct {
		serverName string
		verify     Verify
		shown      []*x509.Certificate
		want       int
	}{
		{"shop.example", Required, good, 0}, {"SHOP.example.", Required, good, 0}, {"", Required, good, 0}, {"", Required, nil, 400},
		{"other.example", Required, good, 421}, {"other.example", Required, nil, 421}, {"other.example", Optional, nil, 421},
	} {
		r := newRequest(t, "/")
		r.TLS = &tls.ConnectionState{ServerName: c.serverName, PeerCertificates: c.shown}
		if got := answer(compile(t, ClientCertificate{RootsPEM: root.pem(), Verify: c.verify}), r); got != c.want {
			t.Errorf("%+v: got %d", c, got)
		}
	}
}

func TestClientCertificateInPlainText(t *testing.T) {
	root := newAuthority(t, "root", nil)
	for verify, want := range map[Verify]int{Required: 400, Optional: 0, OptionalAnyCA: 0} {
		r := newRequest(t, "/")
		if got := answer(compile(t, ClientCertificate{RootsPEM: root.pem(), Verify: verify}), r); got != want {
			t.Errorf("%s: got %d, want %d", verify, got, want)
		}
	}
}

func TestClientCertificatesThatCannotBeVerifiedDoNotCompile(t *testing.T) {
	root := newAuthority(t, "root", nil)
	for name, p := range map[string]ClientCertificate{
		"no authority": {}, "a wrong authority": {RootsPEM: []byte("x")}, "a wrong list": {RootsPEM: root.pem(), CRLPEM: []byte("x")},
		"a wrong subject": {RootsPEM: root.pem(), Subject: "("},
	} {
		if _, err := policy.Compile([]route.Policy{p}, new(policy.States)); err == nil {
			t.Errorf("%s: compiles", name)
		}
	}
}

func FuzzRevocationLists(f *testing.F) {
	f.Add(newAuthority(f, "root", nil).revoke(f, time.Now().Add(time.Hour), 1))
	f.Add([]byte("-----BEGIN X509 CRL-----\nMA==\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if lists, err := ParseRevocationLists(text); err == nil && len(lists) == 0 && strings.TrimSpace(string(text)) != "" {
			t.Error("text without a list is accepted")
		}
	})
}
