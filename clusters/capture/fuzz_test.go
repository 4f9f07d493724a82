package capture

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/ingress-testbed/testbed/internal/x509util"
)

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	made, err := x509util.Issue(x509.Certificate{DNSNames: []string{"gyull.com"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made.TLS()
}

func FuzzParseHello(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	hello := append([]byte("\x16\x03\x01\x00\x3d\x01\x00\x00\x39\x03\x03"), make([]byte, 32)...)
	f.Add(append(hello, "\x00\x00\x02\x13\x01\x01\x00\x00\x0e\x00\x00\x00\x0a\x00\x08\x00\x00\x05a.com"...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if hello, err := ParseClientHello(stream); err == nil {
			if len(hello.CipherSuites) == 0 || len(hello.Versions) == 0 {
				t.Errorf("accepted a ClientHello without cipher suites or versions: %+v", hello)
			}
			if longer, err := ParseClientHello(append(bytes.Clone(stream), 0)); err != nil || longer.ServerName != hello.ServerName {
				t.Errorf("what follows the ClientHello changed it to %+v, %v", longer, err)
			}
		}
		_, _ = ParseServerHello(stream)
	})
}

func FuzzRead(f *testing.F) {
	header := []byte{0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}
	f.Add(header)
	f.Add(append(bytes.Clone(header), 1, 0, 0, 0, 1, 0, 0, 0, 14, 0, 0, 0, 14, 0, 0, 0, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 8, 0))
	f.Fuzz(func(t *testing.T, stream []byte) {
		packets, _ := Read(bytes.NewReader(stream))
		for _, conversation := range Conversations(packets) {
			if len(conversation.Packets) == 0 {
				t.Error("a conversation without a packet")
			}
			_, _ = conversation.Handshake()
			for _, side := range []int{len(conversation.Stream(conversation.Client)), len(conversation.Stream(conversation.Server))} {
				if side > maxStream {
					t.Errorf("a stream of %d bytes", side)
				}
			}
		}
	})
}
