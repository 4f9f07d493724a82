package upstream

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// newCertificate makes a certificate that vouches for itself.
func newCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"endpoint"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// gathering is a connection whose writes a test can hold back, to send some together or in part.
type gathering struct {
	net.Conn
	mu   sync.Mutex
	held *bytes.Buffer // nil if writes are not held back
}

func (g *gathering) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		return g.held.Write(p)
	}
	return g.Conn.Write(p)
}

// hold holds writes back.
func (g *gathering) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = new(bytes.Buffer)
}

// letGo sends what was held back but for the last bytes, which are lost.
func (g *gathering) letGo(but int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := g.held.Bytes()
	g.held = nil
	g.Conn.Write(text[:len(text)-but])
}

// readRequest reads one HTTP/1.1 request with its body.
func readRequest(in *bufio.Reader) (*http.Request, error) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err
}

// framer is an endpoint's side of an HTTP/2 connection, at the level of frames.
type framer struct {
	*xhttp2.Framer
	t       testing.TB
	conn    io.ReadWriter
	block   bytes.Buffer
	encoder *hpack.Encoder
	decoder *hpack.Decoder
}

// newFramer reads the client's preface and sends settings.
func newFramer(t testing.TB, conn io.ReadWriter, settings ...xhttp2.Setting) *framer {
	preface := make([]byte, len(xhttp2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return nil
	}
	if string(preface) != xhttp2.ClientPreface {
		t.Errorf("the preface is %q", preface)
		return nil
	}
	f := &framer{Framer: xhttp2.NewFramer(conn, conn), t: t, conn: conn}
	f.encoder = hpack.NewEncoder(&f.block)
	f.decoder = hpack.NewDecoder(4096, nil)
	f.AllowIllegalWrites = true
	f.WriteSettings(settings...)
	return f
}

// stream is a request as an endpoint sees it.
type stream struct {
	id     uint32
	fields map[string]string
	body   []byte
	ended  bool
}

// request reads the next HEADERS frame, and acknowledges settings and pings on the way; nil at the end.
func (f *framer) request() *stream {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return nil
		}
		switch frame := frame.(type) {
		case *xhttp2.SettingsFrame:
			if !frame.IsAck() {
				f.WriteSettingsAck()
			}
		case *xhttp2.HeadersFrame:
			s := &stream{id: frame.StreamID, fields: f.decode(frame.HeaderBlockFragment()), ended: frame.StreamEnded()}
			return s
		}
	}
}

// whole reads a request with its body.
func (f *framer) whole() *stream {
	s := f.request()
	for s != nil && !s.ended {
		frame, err := f.ReadFrame()
		if err != nil {
			return nil
		}
		switch frame := frame.(type) {
		case *xhttp2.DataFrame:
			s.body = append(s.body, frame.Data()...)
			s.ended = frame.StreamEnded()
		case *xhttp2.HeadersFrame:
			s.ended = frame.StreamEnded()
		}
	}
	return s
}

func (f *framer) decode(block []byte) map[string]string {
	fields := make(map[string]string)
	f.decoder.SetEmitFunc(func(field hpack.HeaderField) { fields[field.Name] = field.Value })
	if _, err := f.decoder.Write(block); err != nil {
		f.t.Error(err)
	}
	return fields
}

// fields encodes names and values.
func (f *framer) fields(pairs ...string) []byte {
	f.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		f.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return bytes.Clone(f.block.Bytes())
}

// headers sends a field section.
func (f *framer) headers(id uint32, ends bool, pairs ...string) {
	f.WriteHeaders(xhttp2.HeadersFrameParam{
		StreamID: id, BlockFragment: f.fields(pairs...), EndStream: ends, EndHeaders: true,
	})
}

// hangUp closes the connection.
func (f *framer) hangUp() { f.conn.(io.Closer).Close() }

// drain reads until the connection ends, and returns the first HEADERS frame, if one comes.
func (f *framer) drain() *stream { return f.request() }
