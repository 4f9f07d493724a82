package access

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

// fieldNames are the fields that tell endpoints about a certificate, in lower case.
//
//nolint:gochecknoglobals // a list that is never changed
var fieldNames = []string{"ssl-client-cert", "ssl-client-verify", "ssl-client-subject-dn", "ssl-client-issuer-dn"}

// shownCertificate is a client's certificate, and what endpoints get of it.
type shownCertificate struct {
	subject                string // a distinguished name (RFC 2253)
	lines, certificateLine []byte
	err                    error // why it is not valid
	checked                time.Time
}

// noCertificate is that of a client that has none.
//
//nolint:gochecknoglobals // a value that is never changed
var noCertificate = &shownCertificate{lines: []byte("ssl-client-verify: NONE\r\n")}

// unknownAuthority reports whether the only fault is that no known authority has issued it.
func (c *shownCertificate) unknownAuthority() bool {
	return errors.As(c.err, new(x509.UnknownAuthorityError))
}

const (
	// validFor is how long a certificate counts as valid without being checked again: many requests come on one connection.
	validFor = time.Minute
	// mostCertificates is how many are cached.
	mostCertificates = 1024
)

// authorities verify certificates, and cache those that were valid.
type authorities struct {
	roots *x509.CertPool
	lists []*x509.RevocationList
	depth int

	mu    sync.Mutex
	valid map[[sha256.Size]byte]*shownCertificate
}

func newAuthorities(rootsPEM, listsPEM []byte, depth int) (*authorities, error) {
	a := &authorities{roots: x509.NewCertPool(), depth: depth, valid: make(map[[sha256.Size]byte]*shownCertificate)}
	if !a.roots.AppendCertsFromPEM(rootsPEM) {
		return nil, errors.New("clients can't be verified without the certificate of an authority")
	}
	var err error
	if a.lists, err = ParseRevocationLists(listsPEM); err != nil {
		return nil, err
	}
	return a, nil
}

// ParseRevocationLists reads revocation lists in PEM (RFC 5280 section 5, RFC 7468 section 6). Text without any is an
// error, unless it is empty.
func ParseRevocationLists(text []byte) ([]*x509.RevocationList, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var lists []*x509.RevocationList
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a revocation list: %w", err)
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, errors.New("there is no revocation list")
	}
	return lists, nil
}

// check verifies what a client has shown: its own certificate first, then those of authorities.
func (a *authorities) check(chain []*x509.Certificate) *shownCertificate {
	now := time.Now()
	key := sha256.Sum256(chain[0].Raw)
	a.mu.Lock()
	known := a.valid[key]
	a.mu.Unlock()
	if known != nil && now.Sub(known.checked) < validFor {
		return known
	}
	shown := newShownCertificate(chain[0], a.verify(chain, now))
	shown.checked = now
	if shown.err == nil {
		a.remember(key, shown)
	}
	return shown
}

// remember evicts an arbitrary entry if there are too many.
func (a *authorities) remember(key [sha256.Size]byte, shown *shownCertificate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.valid) >= mostCertificates {
		for other := range a.valid {
			delete(a.valid, other)
			break
		}
	}
	a.valid[key] = shown
}

func (a *authorities) verify(shown []*x509.Certificate, now time.Time) error {
	options := x509.VerifyOptions{
		Roots: a.roots, Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, certificate := range shown[1:] {
		options.Intermediates.AddCert(certificate)
	}
	chains, err := shown[0].Verify(options)
	if err != nil {
		return err
	}
	err = fmt.Errorf("there are more than %d intermediate certificates", a.depth)
	for _, chain := range chains {
		if len(chain)-2 > a.depth { // neither the client's own nor the root counts
			continue
		}
		if err = a.notRevoked(chain, now); err == nil {
			return nil
		}
	}
	return err
}

// notRevoked checks each certificate of a chain but the root. As in nginx, an authority without a list that is valid now
// has all its certificates refused, if there is any list.
func (a *authorities) notRevoked(chain []*x509.Certificate, now time.Time) error {
	if len(a.lists) == 0 {
		return nil
	}
	for i, certificate := range chain[:len(chain)-1] {
		list := a.listOf(chain[i+1], now)
		if list == nil {
			return fmt.Errorf("there is no valid revocation list of %q", chain[i+1].Subject)
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
				return errors.New("the certificate is revoked")
			}
		}
	}
	return nil
}

func (a *authorities) listOf(issuer *x509.Certificate, now time.Time) *x509.RevocationList {
	for _, list := range a.lists {
		if bytes.Equal(list.RawIssuer, issuer.RawSubject) && list.CheckSignatureFrom(issuer) == nil &&
			!now.Before(list.ThisUpdate) && (list.NextUpdate.IsZero() || now.Before(list.NextUpdate)) {
			return list
		}
	}
	return nil
}

func newShownCertificate(certificate *x509.Certificate, err error) *shownCertificate {
	shown := &shownCertificate{subject: certificate.Subject.String(), err: err}
	result := "SUCCESS"
	if err != nil {
		result = "FAILED:" + err.Error()
	}
	shown.lines = policy.AppendLine(nil, "ssl-client-verify", result)
	shown.lines = policy.AppendLine(shown.lines, "ssl-client-subject-dn", shown.subject)
	shown.lines = policy.AppendLine(shown.lines, "ssl-client-issuer-dn", certificate.Issuer.String())
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	shown.certificateLine = policy.AppendLine(nil, "ssl-client-cert", string(variable.AppendEscaped(nil, text)))
	return shown
}
