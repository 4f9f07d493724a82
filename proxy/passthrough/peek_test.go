package passthrough

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// hello is the first message of a handshake.
func hello(t testing.TB, config *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		_ = tls.Client(client, config).Handshake()
	}()
	defer client.Close()
	read := make([]byte, 64<<10)
	n, err := server.Read(read)
	if err != nil {
		t.Fatal(err)
	}
	return read[:n]
}

// sent is a connection whose client has sent some bytes, and then no more.
func sent(t testing.TB, pieces ...[]byte) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		defer client.Close()
		for _, piece := range pieces {
			if _, err := client.Write(piece); err != nil {
				return
			}
		}
	}()
	return server
}

func TestPeek(t *testing.T) {
	many := make([]string, 2000)
	for i := range many {
		many[i] = "protocol-" + strings.Repeat("x", i%100)
	}
	for name, c := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"a name":        {&tls.Config{ServerName: "a.example.test"}, "a.example.test"},
		"no name":       {&tls.Config{InsecureSkipVerify: true}, ""},
		"an address":    {&tls.Config{ServerName: "192.0.2.1", InsecureSkipVerify: true}, ""},
		"an old client": {&tls.Config{ServerName: "old.test", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "old.test"},
		"several TCP packets, and a curve after quantum computers": {
			&tls.Config{ServerName: "big.test", NextProtos: many[:100], CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}}, "big.test",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := hello(t, c.config)
			half := len(text) / 2
			got, replay, err := peek(sent(t, text[:3], text[3:half], text[half:], []byte("rest")), 10*time.Second)
			if err != nil || got != c.want {
				t.Fatalf("got %q, %v", got, err)
			}
			if all, _ := io.ReadAll(replay); string(all) != string(text)+"rest" {
				t.Errorf("%d bytes are replayed, want %d", len(all), len(text)+4)
			}
		})
	}
}

func TestPeekLeavesWhatIsNotTLS(t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\x80\x2e\x01\x00\x02" + strings.Repeat("x", 50), "\x16\x03\x01\x00\x04\x01\x00\x00\x00rest"} {
		name, replay, err := peek(sent(t, []byte(text)), 10*time.Second)
		if err != nil || name != "" {
			t.Fatalf("%q: got %q, %v", text, name, err)
		}
		if all, _ := io.ReadAll(replay); string(all) != text {
			t.Errorf("%q is replayed as %q", text, all)
		}
	}
}

// TestPeekIsBounded refuses a message that goes on in record after record, each valid.
func TestPeekIsBounded(t *testing.T) {
	record := append([]byte("\x16\x03\x01\x40\x00"), make([]byte, 16<<10)...)
	first := bytes.Clone(record)
	copy(first[5:], "\x01\x00\xff\xf0")
	var conn net.Conn
	for _, c := range []struct {
		pieces [][]byte
		want   error
	}{
		{[][]byte{first, record, record, record, record, record}, errHelloTooLong}, {nil, io.EOF}, {[][]byte{first[:20]}, io.EOF},
	} {
		conn = sent(t, c.pieces...)
		if name, _, err := peek(conn, 10*time.Second); name != "" || !errors.Is(err, c.want) {
			t.Errorf("%d pieces: got %q, %v, want %v", len(c.pieces), name, err, c.want)
		}
	}
	_, silent := net.Pipe()
	started := time.Now()
	if _, _, err := peek(silent, 50*time.Millisecond); err == nil || time.Since(started) > 5*time.Second {
		t.Errorf("a silent client: %v after %s", err, time.Since(started))
	}
}

func FuzzPeek(f *testing.F) {
	f.Add(hello(f, &tls.Config{ServerName: "a.example.test"}))
	f.Add(hello(f, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		conn := sent(t, text)
		_, replay, err := peek(conn, 10*time.Second)
		if err != nil {
			return
		}
		if all, _ := io.ReadAll(replay); !bytes.Equal(all, text) {
			t.Errorf("%q is replayed as %q", text, all)
		}
	})
}
