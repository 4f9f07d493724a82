package explain

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Request is what a client sends.
type Request struct {
	Method string
	// URL has the scheme http or https and a host. Its path is sent as it is written.
	URL    *url.URL
	Header []Field
	Body   []byte
	HTTP2  bool
	// Certificate is presented over TLS where the server requests one; nil for none.
	Certificate *tls.Certificate
	// Client is the address that the connection comes from; invalid is DefaultClient.
	Client netip.Addr
}

// Field is a header field.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// String is "Name: value".
func (f Field) String() string { return f.Name + ": " + f.Value }

// DefaultClient is reserved for documents (RFC 5737).
func DefaultClient() netip.Addr { return netip.MustParseAddr("192.0.2.1") }

// Flags are those of curl that a request is written with.
type Flags struct {
	Method   string   // -X
	Headers  []string // -H, "Name: value"
	Data     []string // -d, joined with "&"
	Cookies  []string // -b, joined with "; "
	User     string   // -u, "name:password"
	Client   string   // an address
	HTTP2    bool
	PathAsIs bool // --path-as-is keeps dot segments
	Head     bool // -I
	// Certificate of the client and its key in PEM: the contents of the files of --cert and --key.
	Certificate string
}

// maxBody bounds the body of a request, in bytes.
const maxBody = 16 << 20

// NewRequest reads a URL and flags as curl does: the scheme is http if it isn't given, the method POST with data, and dot
// segments are removed.
func NewRequest(text string, flags Flags) (Request, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	parsed, err := url.Parse(text)
	var wrong *url.Error
	if errors.As(err, &wrong) {
		return Request{}, fmt.Errorf("%q is not a URL: %w", text, wrong.Err)
	}
	switch {
	case err != nil:
		return Request{}, fmt.Errorf("%q is not a URL: %w", text, err)
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return Request{}, fmt.Errorf("%q: the scheme must be http or https", text)
	case parsed.Hostname() == "":
		return Request{}, fmt.Errorf("%q: the URL has no host", text)
	}
	r := Request{Method: http.MethodGet, URL: parsed, HTTP2: flags.HTTP2, Body: []byte(strings.Join(flags.Data, "&"))}
	if parsed.User != nil && flags.User == "" {
		password, _ := parsed.User.Password()
		flags.User = parsed.User.Username() + ":" + password
	}
	parsed.User, parsed.Fragment, parsed.RawFragment = nil, "", ""
	if parsed.Path == "" {
		parsed.Path = "/"
	}
	if !flags.PathAsIs {
		removeDots(parsed)
	}
	if len(r.Body) > maxBody {
		return Request{}, fmt.Errorf("--data: the body has %d bytes; the limit is %d", len(r.Body), maxBody)
	}
	switch {
	case flags.Method != "":
		r.Method = flags.Method
	case flags.Head:
		r.Method = http.MethodHead
	case len(flags.Data) > 0:
		r.Method = http.MethodPost
	}
	if !httpguts.ValidHeaderFieldName(r.Method) {
		return Request{}, fmt.Errorf("--request: %q is not a method", r.Method)
	}
	if r.Method == http.MethodConnect {
		return Request{}, fmt.Errorf("--request: %q makes a tunnel, which can't be explained", r.Method)
	}
	if flags.Client != "" {
		if r.Client, err = netip.ParseAddr(flags.Client); err != nil {
			return Request{}, fmt.Errorf("--client: %q is not an IP address", flags.Client)
		}
	}
	if flags.Certificate != "" {
		pair, err := tls.X509KeyPair([]byte(flags.Certificate), []byte(flags.Certificate))
		if err != nil {
			return Request{}, fmt.Errorf("--cert: reading the certificate and its key: %w", err)
		}
		r.Certificate = &pair
	}
	return r, r.addFields(flags)
}

func (r *Request) addFields(flags Flags) error {
	for _, line := range flags.Headers {
		name, value, found := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("--header: %q is not of the form \"Name: value\"", line)
		}
		r.Header = append(r.Header, Field{name, value})
	}
	if cookies := strings.Join(flags.Cookies, "; "); cookies != "" {
		if !strings.Contains(cookies, "=") || !httpguts.ValidHeaderFieldValue(cookies) {
			return fmt.Errorf("--cookie: %q is not of the form \"name=value\"", cookies)
		}
		r.Header = append(r.Header, Field{"Cookie", cookies})
	}
	if flags.User != "" {
		if !strings.Contains(flags.User, ":") {
			return fmt.Errorf("--user: %q is not of the form \"name:password\"", flags.User)
		}
		r.Header = append(r.Header, Field{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(flags.User))})
	}
	if len(flags.Data) > 0 && !r.has("Content-Type") {
		r.Header = append(r.Header, Field{"Content-Type", "application/x-www-form-urlencoded"})
	}
	return nil
}

func (r *Request) has(name string) bool {
	for _, field := range r.Header {
		if strings.EqualFold(field.Name, name) {
			return true
		}
	}
	return false
}

// removeDots removes dot segments (RFC 3986 section 5.2.4), and keeps all else as it is written.
func removeDots(u *url.URL) {
	escaped := u.EscapedPath()
	var kept []string
	segments := strings.Split(escaped, "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".":
			if last {
				kept = append(kept, "")
			}
		case "..":
			if len(kept) > 1 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, segment)
		}
	}
	path := strings.Join(kept, "/")
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = decoded, path
	}
}
