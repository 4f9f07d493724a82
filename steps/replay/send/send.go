// Package send sends the requests of a record as they are written, byte by byte where that matters, and returns the answers
// in the form of the record.
package send

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

const (
	// connectTimeout bounds the establishment of a connection, TLS included.
	connectTimeout = 10 * time.Second
	// answerTimeout bounds one request and its answer, and rawTimeout one of raw bytes, which may be an incomplete request.
	answerTimeout = 15 * time.Second
	rawTimeout    = 2 * time.Second
)

// Client sends requests to one controller. It may be used from several goroutines.
type Client struct {
	Dialer client.Dialer
	Entry  client.Entry
	// ClientCertificates by the common name that requests give.
	ClientCertificates map[string]tls.Certificate
	// Secrets are the names of the Secrets with certificates. An answer names the one whose certificate was served.
	Secrets []string
}

// Exchange is one request with its answer.
type Exchange struct {
	Answer record.Answer
	// Took is the time from the end of the exchange before it, or for the first one from its beginning, until the whole answer is there.
	Took time.Duration
}

// Do sends a request as often as it says. The error is about the request: that a connection fails is an answer.
func (c *Client) Do(ctx context.Context, request record.Request) ([]Exchange, error) {
	if err := sleep.For(ctx, time.Duration(request.After)); err != nil {
		return nil, err
	}
	session := session{client: c, request: request, jar: jar{}}
	defer session.close()
	var all []Exchange
	before := time.Now()
	for range request.Repetitions() {
		answer, err := session.once(ctx)
		if err != nil {
			return all, err
		}
		now := time.Now()
		all = append(all, Exchange{Answer: answer, Took: now.Sub(before)})
		before = now
	}
	return all, nil
}

// session is a request that may be repeated, with what its repetitions share.
type session struct {
	client  *Client
	request record.Request
	jar     jar
	conn    *connection // kept for the next repetition; nil if there is none
}

// connection is a connection to the controller, with bytes that were read from it but not used yet.
type connection struct {
	net.Conn
	reader *bufio.Reader
	// handshake is nil without TLS.
	handshake *record.TLS
}

func (s *session) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// once sends the request once.
func (s *session) once(ctx context.Context) (record.Answer, error) {
	timeout := answerTimeout
	if s.request.Raw != "" {
		timeout = rawTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if s.conn == nil {
		var err error
		if s.conn, err = s.client.connect(ctx, s.request); err != nil {
			if ctx.Err() != nil && context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // the cause is the error itself
				return record.Answer{}, context.Cause(ctx)
			}
			return record.Answer{Error: failure(err)}, nil
		}
	}
	// A request that was interrupted is not an answer. The function may run while the connection is closed below.
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var answer record.Answer
	var reusable bool
	var err error
	if s.request.HTTP2 {
		answer, err = s.http2(ctx)
	} else {
		answer, reusable = s.http1()
	}
	if cause := context.Cause(ctx); cause != nil && cause != context.DeadlineExceeded { //nolint:errorlint // as above
		return answer, cause
	}
	answer.TLS = s.conn.handshake
	if !s.request.SameConnection || !reusable || answer.Error != "" {
		s.close()
	}
	return answer, err
}

// connect makes a connection, with TLS if the request is sent over it.
func (c *Client) connect(ctx context.Context, request record.Request) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	entry := c.Entry.HTTP
	if request.HTTPS || request.Port == "https" {
		entry = c.Entry.HTTPS
	}
	raw, err := c.dial(ctx, entry)
	if err != nil {
		return nil, err
	}
	if !request.HTTPS {
		return &connection{Conn: raw, reader: bufio.NewReader(raw)}, nil
	}
	secured := tls.Client(raw, c.tlsConfig(request))
	if err := secured.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, handshakeError{err}
	}
	state := secured.ConnectionState()
	return &connection{Conn: secured, reader: bufio.NewReader(secured), handshake: c.handshake(state)}, nil
}

func (c *Client) dial(ctx context.Context, entry netip.AddrPort) (net.Conn, error) {
	conn, err := c.Dialer.DialContext(ctx, "tcp", entry.String())
	if err != nil {
		return nil, connectError{err}
	}
	return conn, nil
}

func (c *Client) tlsConfig(request record.Request) *tls.Config {
	config := &tls.Config{
		ServerName: serverName(request),
		// The certificate is compared, not trusted. Requests may offer old versions to see that they are refused.
		InsecureSkipVerify: true, //nolint:gosec // see above
		MinVersion:         tls.VersionTLS10,
		NextProtos:         []string{"http/1.1"},
	}
	if request.HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		if tls.VersionName(version) == request.MaxTLS {
			config.MaxVersion = version
		}
	}
	if certificate, ok := c.ClientCertificates[request.ClientCertificate]; ok {
		// GetClientCertificate sends it whatever authorities the server names.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	}
	return config
}

// serverName is the server name of the handshake: the request's own, or else the host without its port. Names that are IP
// addresses aren't sent (RFC 6066, section 3); crypto/tls leaves them out.
func serverName(request record.Request) string {
	switch request.ServerName {
	case "":
		host := request.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		return strings.TrimSuffix(host, ".")
	case "none":
		return ""
	}
	return request.ServerName
}

// handshake describes a handshake in the form of the record.
func (c *Client) handshake(state tls.ConnectionState) *record.TLS {
	agreed := &record.TLS{Version: tls.VersionName(state.Version), ALPN: state.NegotiatedProtocol, Certificate: "default"}
	if len(state.PeerCertificates) > 0 && slices.Contains(c.Secrets, commonName(state.PeerCertificates[0])) {
		agreed.Certificate = commonName(state.PeerCertificates[0])
	}
	return agreed
}

func commonName(certificate *x509.Certificate) string { return certificate.Subject.CommonName }

// connectError is a connection that couldn't be made, and handshakeError one that TLS refused.
type (
	connectError   struct{ error }
	handshakeError struct{ error }
)

func (e connectError) Unwrap() error   { return e.error }
func (e handshakeError) Unwrap() error { return e.error }

func (e connectError) Error() string   { return fmt.Sprintf("connecting: %v", e.error) }
func (e handshakeError) Error() string { return fmt.Sprintf("TLS handshake: %v", e.error) }
