package proxyprotocol_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingress-testbed/testbed/proxy/proxyprotocol"
)

const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"
	after     = "GET / HTTP/1.1\r\n"
	timeout   = 10 * time.Second
)

// version2 is a header with a command, a family, a payload, and its length.
func version2(command, family byte, payload string) string {
	length := binary.BigEndian.AppendUint16(nil, uint16(len(payload)))
	return signature + string([]byte{command, family}) + string(length) + payload
}

//nolint:gochecknoglobals // values that are never changed
var (
	ipv4 = "\xc6\x33\x64\x07\xc0\x00\x02\x01\x9c\x40\x01\xbb"
	ipv6 = "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x07" + "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01" + "\x9c\x40\x01\xbb"
	// mapped are addresses of IPv4 in the form of IPv6.
	mapped = strings.Repeat("\x00", 10) + "\xff\xff\xc6\x33\x64\x07" + strings.Repeat("\x00", 10) + "\xff\xff\xc0\x00\x02\x01" + "\x9c\x40\x01\xbb"
	unix   = "/run/source" + strings.Repeat("\x00", 97) + "/run/destination" + strings.Repeat("\x00", 92)
	tlv    = "\x02\x00\x03abc"
)

func addresses(source, destination string) proxyprotocol.Header {
	return proxyprotocol.Header{Source: netip.MustParseAddrPort(source), Destination: netip.MustParseAddrPort(destination)}
}

// good are headers, and what they say.
func good() map[string]struct {
	header string
	want   proxyprotocol.Header
} {
	four, six := addresses("198.51.100.7:40000", "192.0.2.1:443"), addresses("[2001:db8::7]:40000", "[2001:db8::1]:443")
	const longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	return map[string]struct {
		header string
		want   proxyprotocol.Header
	}{
		"1 IPv4":         {"PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n", four},
		"1 IPv6":         {"PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n", six},
		"1 shortest":     {"PROXY UNKNOWN\r\n", proxyprotocol.Header{}},
		"1 longest":      {"PROXY UNKNOWN " + longest + " " + longest + " 65535 65535\r\n", proxyprotocol.Header{}},
		"1 shortest TCP": {"PROXY TCP6 :: :: 0 0\r\n", addresses("[::]:0", "[::]:0")},

		"2 IPv4":                {version2(0x21, 0x11, ipv4), four},
		"2 IPv6":                {version2(0x21, 0x21, ipv6), six},
		"2 IPv4 as IPv6":        {version2(0x21, 0x21, mapped), four},
		"2 IPv4 and a TLV":      {version2(0x21, 0x11, ipv4+tlv), four},
		"2 IPv6 and a long TLV": {version2(0x21, 0x21, ipv6+"\xe0\x0f\x00"+strings.Repeat("x", 0xf00)), six},
		"2 UDP":                 {version2(0x21, 0x12, ipv4), proxyprotocol.Header{}},
		"2 unix":                {version2(0x21, 0x31, unix), proxyprotocol.Header{}},
		"2 unspecified":         {version2(0x21, 0x00, ""), proxyprotocol.Header{}},
		"2 unspecified, a TLV":  {version2(0x21, 0x00, tlv), proxyprotocol.Header{}},
		"2 local":               {version2(0x20, 0x00, ""), proxyprotocol.Header{}},
		"2 local, addresses":    {version2(0x20, 0x11, ipv4), proxyprotocol.Header{}},
		"2 local, no addresses": {version2(0x20, 0x11, ""), proxyprotocol.Header{}},
		"2 longest":             {version2(0x21, 0x11, ipv4+strings.Repeat("x", 4096-12)), four},
	}
}

// send reads a header from a connection that gets text in pieces of some bytes. It returns what is left to read.
func send(t *testing.T, text string, piece int) (header proxyprotocol.Header, rest string, err error) {
	t.Helper()
	near, far := net.Pipe()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		defer far.Close()
		for start := 0; start < len(text); start += piece {
			if _, err := io.WriteString(far, text[start:min(start+piece, len(text))]); err != nil {
				return
			}
		}
	}()
	header, err = proxyprotocol.Read(near, timeout)
	if err == nil {
		left, readErr := io.ReadAll(near)
		if readErr != nil {
			t.Errorf("reading what follows: %v", readErr)
		}
		rest = string(left)
	}
	near.Close()
	<-sent
	return header, rest, err
}

func TestGoodHeaders(t *testing.T) {
	for name, test := range good() {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 7, 1 << 20} {
				got, rest, err := send(t, test.header+after, piece)
				if err != nil || got != test.want {
					t.Errorf("in pieces of %d bytes: got %v, %v, want %v", piece, got, err, test.want)
				}
				if err == nil && rest != after {
					t.Errorf("in pieces of %d bytes: %q follows, want %q", piece, rest, after)
				}
			}
		})
	}
}

func TestBadHeaders(t *testing.T) {
	var malformed error // what is wrong is the library's to say
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"nothing":            {"", io.ErrUnexpectedEOF},
		"HTTP":               {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", proxyprotocol.ErrNoHeader},
		"HTTP/2":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", proxyprotocol.ErrNoHeader},
		"TLS":                {"\x16\x03\x01\x02\x00\x01\x00", proxyprotocol.ErrNoHeader},
		"one byte":           {"x", proxyprotocol.ErrNoHeader},
		"empty lines":        {"\r\n\r\nGET / HTTP/1.1\r\n\r\n", proxyprotocol.ErrNoHeader},
		"lower case":         {"proxy TCP4 198.51.100.7 192.0.2.1 40000 443\r\n", proxyprotocol.ErrNoHeader},
		"cut off":            {"PROXY TCP4 198.51", io.ErrUnexpectedEOF},
		"cut off early":      {"PRO", io.ErrUnexpectedEOF},
		"no end":             {"PROXY UNKNOWN " + strings.Repeat("x", 200) + "\r\n", proxyprotocol.ErrTooLong},
		"one byte too long":  {"PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", proxyprotocol.ErrTooLong},
		"LF alone":           {"PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\n", malformed},
		"wrong family":       {"PROXY TCP4 2001:db8::7 2001:db8::1 40000 443\r\n", malformed},
		"unknown family":     {"PROXY UDP4 198.51.100.7 192.0.2.1 40000 443\r\n", malformed},
		"a name":             {"PROXY TCP4 localhost 192.0.2.1 40000 443\r\n", malformed},
		"octet too large":    {"PROXY TCP4 256.0.0.1 192.0.2.1 40000 443\r\n", malformed},
		"port too large":     {"PROXY TCP4 198.51.100.7 192.0.2.1 65536 443\r\n", malformed},
		"no ports":           {"PROXY TCP4 198.51.100.7 192.0.2.1\r\n", malformed},
		"two spaces":         {"PROXY TCP4  198.51.100.7 192.0.2.1 40000 443\r\n", malformed},
		"a field too many":   {"PROXY TCP4 198.51.100.7 192.0.2.1 40000 443 x\r\n", malformed},
		"2 cut off":          {version2(0x21, 0x11, ipv4)[:20], io.ErrUnexpectedEOF},
		"2 without length":   {version2(0x21, 0x11, ipv4)[:14], io.ErrUnexpectedEOF},
		"2 too long":         {version2(0x21, 0x11, ipv4+strings.Repeat("x", 4096-11)), proxyprotocol.ErrTooLong},
		"2 longest possible": {version2(0x21, 0x11, strings.Repeat("x", 65535)), proxyprotocol.ErrTooLong},
		"2 wrong version":    {version2(0x11, 0x11, ipv4), malformed},
		"2 wrong command":    {version2(0x22, 0x11, ipv4), malformed},
		"2 wrong family":     {version2(0x21, 0x41, ipv4), malformed},
		"2 wrong transport":  {version2(0x21, 0x13, ipv4), malformed},
		"2 IPv4 too short":   {version2(0x21, 0x11, ipv4[:11]), malformed},
		"2 IPv6 too short":   {version2(0x21, 0x21, ipv6[:35]), malformed},
		"2 unix too short":   {version2(0x21, 0x31, unix[:100]), malformed},
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 1 << 20} {
				got, _, err := send(t, test.text, piece)
				switch {
				case err == nil:
					t.Errorf("in pieces of %d bytes: got %v, want an error", piece, got)
				case test.want != nil && !errors.Is(err, test.want):
					t.Errorf("in pieces of %d bytes: got %v, want %v", piece, err, test.want)
				case test.want == nil && !strings.Contains(err.Error(), "malformed"):
					t.Errorf("in pieces of %d bytes: got %v, want a malformed header", piece, err)
				case got != (proxyprotocol.Header{}):
					t.Errorf("in pieces of %d bytes: got %v beside %v", piece, got, err)
				}
			}
		})
	}
}

// TestTimeout lets a header trickle: the time-out is one for the whole of it, and no deadline is left behind.
func TestTimeout(t *testing.T) {
	const header = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n"
	for name, test := range map[string]struct {
		pause time.Duration // before each byte
		want  error
	}{
		"in time":  {timeout / time.Duration(len(header)+1), nil},
		"too slow": {timeout / time.Duration(len(header)-1), os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				sent := make(chan struct{})
				defer func() {
					near.Close()
					<-sent
				}()
				go func() { // sleeps by the clock of the bubble
					defer close(sent)
					defer far.Close()
					for i := range len(header) {
						time.Sleep(test.pause)
						if _, err := io.WriteString(far, header[i:i+1]); err != nil {
							return
						}
					}
					time.Sleep(2 * timeout)
					io.WriteString(far, after)
				}()
				started := time.Now()
				_, err := proxyprotocol.Read(near, timeout)
				if !errors.Is(err, test.want) {
					t.Fatalf("got %v, want %v", err, test.want)
				}
				if test.want != nil {
					if took := time.Since(started); took != timeout {
						t.Errorf("it took %s, want %s", took, timeout)
					}
					return
				}
				if rest, err := io.ReadAll(near); err != nil || string(rest) != after {
					t.Errorf("later, got %q, %v", rest, err)
				}
			})
		})
	}
}

// memory is a connection that text is read from.
type memory struct {
	net.Conn // nil: only the methods below are called
	bytes.Reader
}

func (m *memory) Read(p []byte) (int, error)      { return m.Reader.Read(p) }
func (m *memory) SetReadDeadline(time.Time) error { return nil }

// FuzzRead checks that no header takes more bytes than it has, whatever it is, and that one that is read is read again
// from the bytes that it took alone.
func FuzzRead(f *testing.F) {
	for _, test := range good() {
		f.Add([]byte(test.header + after))
	}
	f.Add([]byte("PROXY TCP4 198.51.100.7"))
	f.Add([]byte(signature + "\x21\x11\xff\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		conn := &memory{Reader: *bytes.NewReader(text)}
		first, err := proxyprotocol.Read(conn, timeout)
		taken := len(text) - conn.Len()
		if taken > 16+4096 {
			t.Fatalf("%d bytes were read", taken)
		}
		if err != nil {
			return
		}
		if taken < 15 {
			t.Fatalf("a header of %d bytes was accepted", taken)
		}
		if first.Source.Addr().Is4In6() || first.Source.IsValid() != first.Destination.IsValid() {
			t.Fatalf("got %v", first)
		}
		again, err := proxyprotocol.Read(&memory{Reader: *bytes.NewReader(text[:taken])}, timeout)
		if err != nil || again != first {
			t.Fatalf("got %v, then %v, %v", first, again, err)
		}
	})
}
