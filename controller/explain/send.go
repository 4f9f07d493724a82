package explain

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// dialFunc connects to the proxy as the client.
type dialFunc func() (net.Conn, error)

// exchange sends the request and reads the reply.
func (r *run) exchange(ctx context.Context, request Request, dial dialFunc) error {
	reply, err := request.send(ctx, dial)
	if err != nil {
		return fmt.Errorf("sending the request: %w", err)
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(reply.Body, maxReply)); err != nil {
		return fmt.Errorf("reading the reply: %w", err)
	}
	r.reply = reply
	return nil
}

func (r *Request) send(ctx context.Context, dial dialFunc) (*http.Response, error) {
	if r.HTTP2 {
		return r.sendHTTP2(ctx, dial)
	}
	return r.sendHTTP1(ctx, dial)
}

// tlsConfig is as that of curl -k: the certificate is explained, and not verified.
func (r *Request) tlsConfig() *tls.Config {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: r.URL.Hostname()} //nolint:gosec // see above
	if r.Certificate != nil {
		// Whatever authorities the server names.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return r.Certificate, nil }
	}
	return config
}

// maxInformational bounds the 1xx responses before the reply.
const maxInformational = 10

// sendHTTP1 writes the request as it is given, which net/http doesn't: it refuses targets that begin with two slashes.
func (r *Request) sendHTTP1(ctx context.Context, dial dialFunc) (*http.Response, error) {
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	ended := closer(func() error {
		stop()
		return conn.Close()
	})
	if r.URL.Scheme == "https" {
		secured := tls.Client(conn, r.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, ended())
		}
		conn = secured
	}
	go conn.Write(append(r.head(), r.Body...)) //nolint:errcheck // a proxy may answer before it has read the body
	reader := bufio.NewReader(conn)
	for range maxInformational {
		reply, err := http.ReadResponse(reader, &http.Request{Method: r.Method})
		if err != nil {
			return nil, errors.Join(err, ended())
		}
		if reply.StatusCode >= http.StatusOK || reply.StatusCode == http.StatusSwitchingProtocols {
			reply.Body = body{reply.Body, ended}
			return reply, nil
		}
	}
	return nil, errors.Join(errors.New("too many informational responses"), ended())
}

type closer func() error

// body is that of a reply, whose connection ends with it.
type body struct {
	io.Reader
	close closer
}

// Close implements io.Closer.
func (b body) Close() error { return b.close() }

// head is the request line and the header of a request over HTTP/1.1.
func (r *Request) head() []byte {
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, target(r.URL), r.host())
	for _, standard := range []Field{{"User-Agent", agent}, {"Accept", "*/*"}} {
		if !r.has(standard.Name) {
			fmt.Fprintf(&head, "%s\r\n", standard)
		}
	}
	for _, field := range r.Header {
		switch strings.ToLower(field.Name) {
		case "host", "content-length", "transfer-encoding", "trailer": // they are the framing, which is that of the body
		default:
			fmt.Fprintf(&head, "%s\r\n", field)
		}
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(r.Body))
	}
	head.WriteString("\r\n")
	return head.Bytes()
}

// agent is sent as User-Agent.
const agent = "testbed-explain"

// target is a request target, with the path as it is written.
func target(u *url.URL) string {
	text := u.EscapedPath()
	if u.RawQuery != "" || u.ForceQuery {
		text += "?" + strings.ReplaceAll(u.RawQuery, " ", "%20")
	}
	return text
}

// host is the value of Host.
func (r *Request) host() string {
	for _, field := range r.Header {
		if strings.EqualFold(field.Name, "Host") {
			return field.Value
		}
	}
	return r.URL.Host
}

// sendHTTP2 sends the request over HTTP/2, in plain text with prior knowledge.
func (r *Request) sendHTTP2(ctx context.Context, dial dialFunc) (*http.Response, error) {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		DisableCompression: true, Protocols: protocols, TLSClientConfig: r.tlsConfig(),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() },
	}
	sent, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	sent.URL = wireURL(r.URL)
	sent.Host = r.host()
	sent.Header = http.Header{"User-Agent": {agent}, "Accept": {"*/*"}}
	own := map[string]bool{}
	for _, field := range r.Header {
		name := http.CanonicalHeaderKey(field.Name)
		if name == "Host" {
			continue
		}
		if !own[name] {
			own[name] = true
			sent.Header.Del(name)
		}
		sent.Header.Add(name, field.Value)
	}
	reply, err := transport.RoundTrip(sent)
	if err != nil {
		transport.CloseIdleConnections()
		var wrong *url.Error
		if errors.As(err, &wrong) {
			err = wrong.Err
		}
		return nil, err
	}
	read := reply.Body
	reply.Body = body{read, func() error {
		defer transport.CloseIdleConnections()
		return read.Close()
	}}
	return reply, nil
}

// wireURL keeps the path as it is written, where net/http would encode it in another way.
func wireURL(u *url.URL) *url.URL {
	wire := *u
	if path := u.EscapedPath(); !strings.HasPrefix(path, "//") {
		wire.Opaque = path
	}
	return &wire
}
