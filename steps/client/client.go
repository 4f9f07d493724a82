package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// requestTimeout bounds one request, including the body of the response.
	requestTimeout = 30 * time.Second
	// connectTimeout bounds the establishment of a connection, and that of TLS on it.
	connectTimeout = 10 * time.Second
	// maxBody is the most bytes of a response body.
	maxBody = 16 << 20
)

// Dialer opens connections from the machine outside the cluster; clusters.Client is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Client makes HTTP requests from outside the cluster.
type Client struct {
	Dialer   Dialer
	Resolver *Resolver
	// Header is sent with every request.
	Header http.Header
	// Jar keeps the cookies of responses for later requests (RFC 6265); nil keeps none.
	Jar http.CookieJar
	// Certificate is presented to servers that request one; nil presents none.
	Certificate *tls.Certificate
	// Announced is the address that connections have as their source in a header of the PROXY protocol, version 1
	// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt); the zero value sends no header.
	Announced netip.AddrPort
}

// Request is a request to make.
type Request struct {
	Method string
	URL    string
	Header http.Header // may set Host
	Body   string
}

// Exchange is a request with its response, whose fields are zero if there was none.
type Exchange struct {
	Request Request
	Started time.Time
	Took    time.Duration
	// Local and Remote are the addresses of the connection on the client's side.
	Local, Remote netip.AddrPort
	Proto         string // "HTTP/1.1" or "HTTP/2.0"
	Status        int
	Header        http.Header
	Body          string
	// TLS is the state of the connection; nil for plain text.
	TLS *tls.ConnectionState
}

// Do makes one request on a connection of its own, as each call of curl does.
func (c *Client) Do(ctx context.Context, request Request) (Exchange, error) {
	session := c.Session()
	defer session.Close()
	return session.Do(ctx, request)
}

// Session makes requests that reuse connections. RoundTrip and Dial may be called from several goroutines. Do may not,
// because it returns the connection that it has used.
type Session struct {
	client    *Client
	transport *http.Transport
	mu        sync.Mutex // TLS handshakes run in goroutines of the transport
	last      net.Conn
}

// Session returns a session that has no connections yet. The caller closes it.
func (c *Client) Session() *Session {
	session := &Session{client: c}
	session.transport = &http.Transport{
		DialContext:           session.Dial,
		DisableCompression:    true, // curl doesn't request any, and echo servers return all headers
		ForceAttemptHTTP2:     true, // as curl does over TLS
		MaxIdleConnsPerHost:   1000, // with the default of 2, a load run would open a connection for most requests
		ResponseHeaderTimeout: requestTimeout,
		TLSHandshakeTimeout:   connectTimeout,
		// The scenarios verify certificates themselves, so that a failure shows the certificate.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
	}
	if c.Certificate != nil { // whatever authorities the server names
		session.transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return c.Certificate, nil
		}
	}
	return session
}

// Close closes idle connections.
func (s *Session) Close() { s.transport.CloseIdleConnections() }

// Dial connects to "host:port", resolved by the client's resolver.
func (s *Session) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	target, err := s.client.Resolver.Resolve(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	connection, err := s.client.Dialer.DialContext(ctx, network, target.String())
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", target, err)
	}
	if err := s.client.announce(connection); err != nil {
		return nil, errors.Join(fmt.Errorf("sending %s the PROXY protocol header: %w", target, err), connection.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = connection
	return connection, nil
}

// announce sends the header of the PROXY protocol.
func (c *Client) announce(connection net.Conn) error {
	source := c.Announced
	if !source.IsValid() {
		return nil
	}
	family := "TCP6"
	if source.Addr().Is4() {
		family = "TCP4"
	}
	// The destination is not that of a proxy in front, which receivers pass on, if at all.
	_, err := fmt.Fprintf(connection, "PROXY %s %s %s %d %d\r\n", family, source.Addr(), source.Addr(), source.Port(), source.Port())
	return err
}

// Do makes one request. It doesn't follow redirects. Errors are about the connection: a response of any status is not an
// error.
func (s *Session) Do(ctx context.Context, request Request) (Exchange, error) {
	exchange := Exchange{Request: request, Started: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	httpRequest, err := s.client.build(ctx, request)
	if err != nil {
		return exchange, fmt.Errorf("building the request %s %s: %w", request.Method, request.URL, err)
	}
	response, err := s.transport.RoundTrip(httpRequest)
	if err != nil {
		return exchange, fmt.Errorf("%s %s: %w", request.Method, request.URL, err)
	}
	defer response.Body.Close()
	if jar := s.client.Jar; jar != nil {
		jar.SetCookies(httpRequest.URL, response.Cookies())
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	exchange.Took = time.Since(exchange.Started)
	exchange.Proto, exchange.Status, exchange.Header, exchange.TLS = response.Proto, response.StatusCode, response.Header, response.TLS
	exchange.Body = string(body)
	exchange.Local, exchange.Remote = s.ends()
	switch {
	case err != nil:
		return exchange, fmt.Errorf("reading the response to %s %s: %w", request.Method, request.URL, err)
	case len(body) > maxBody:
		return exchange, fmt.Errorf("the response to %s %s is longer than %d bytes", request.Method, request.URL, maxBody)
	}
	return exchange, nil
}

// RoundTrip makes a request without the client's own headers; it makes a Session an http.RoundTripper.
func (s *Session) RoundTrip(request *http.Request) (*http.Response, error) {
	return s.transport.RoundTrip(request)
}

func (s *Session) ends() (local, remote netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return local, remote
	}
	return addrPort(s.last.LocalAddr()), addrPort(s.last.RemoteAddr())
}

func addrPort(address net.Addr) netip.AddrPort {
	if address == nil {
		return netip.AddrPort{}
	}
	parsed, err := netip.ParseAddrPort(address.String())
	if err != nil {
		return netip.AddrPort{} // a dialer whose connections have no IP addresses
	}
	return parsed
}

// acceptAnything is the Accept header of curl.
const acceptAnything = "*/*"

func (c *Client) build(ctx context.Context, request Request) (*http.Request, error) {
	url := request.URL
	if !strings.Contains(url, "://") {
		url = "http://" + url // as curl does
	}
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil, errors.New("only the schemes http and https are supported")
	}
	var body io.Reader
	if request.Body != "" {
		body = strings.NewReader(request.Body)
	}
	built, err := http.NewRequestWithContext(ctx, request.Method, url, body)
	if err != nil {
		return nil, err
	}
	built.Header.Set("Accept", acceptAnything)
	built.Header.Set("User-Agent", "ingress-testbed")
	for _, header := range []http.Header{c.Header, request.Header} {
		for name, values := range header {
			if name == "Host" {
				built.Host = values[0]
				continue
			}
			built.Header[name] = values
		}
	}
	if c.Jar != nil {
		for _, cookie := range c.Jar.Cookies(built.URL) {
			built.AddCookie(cookie)
		}
	}
	return built, nil
}
