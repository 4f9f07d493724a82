package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ingress-testbed/testbed/proxy/message"
)

func TestReadHeader(t *testing.T) {
	first, second := "GET /1 HTTP/1.1\r\nX: 1\r\n\r\n", "GET /2 HTTP/1.1\r\n\r\n"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
	} {
		var b Buffer
		b.Reset(wrap(strings.NewReader("\r\n" + first + second)))
		for _, want := range []string{first, second} {
			if got, err := b.ReadHeader(1 << 10); err != nil || string(got) != want {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
		}
		if _, err := b.ReadHeader(1 << 10); !errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v at the end", name, err)
		}
	}
	for text, want := range map[string]error{
		"":                                  io.EOF,
		"GET":                               ErrTooEarly,
		"GET / HTTP/1.1\n":                  ErrBareLF,
		strings.Repeat("x", 2000):           ErrTargetTooLong,
		"a\r\n" + strings.Repeat("x", 2000): ErrHeaderTooLarge,
	} {
		var b Buffer
		b.Reset(strings.NewReader(text))
		if got, err := b.ReadHeader(1 << 10); !errors.Is(err, want) {
			t.Errorf("%.20q: got %q, %v, want %v", text, got, err, want)
		}
	}
}

// TestHeaderStaysValid reads a large body while its header is still needed.
func TestHeaderStaysValid(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
	var b Buffer
	b.Reset(io.MultiReader(strings.NewReader(head), strings.NewReader(strings.Repeat("x", 200_000)), strings.NewReader(head)))
	got, err := b.ReadHeader(1 << 10)
	if err != nil {
		t.Fatal(err)
	}
	var body Body
	body.Start(&b, 200_000, false)
	read := 0
	for {
		piece, err := body.Next()
		if read += len(piece); errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Enlarge()
	}
	if string(got) != head || read != 200_000 {
		t.Errorf("after %d bytes the header is %q", read, got)
	}
	if next, err := b.ReadHeader(1 << 10); err != nil || string(next) != head {
		t.Errorf("the next header is %q, %v", next, err)
	}
}

func readAll(text string, length int64, chunked bool) (string, *Body, error) {
	var b Buffer
	b.Reset(iotest.HalfReader(strings.NewReader(text)))
	body := new(Body)
	body.Start(&b, length, chunked)
	var read []byte
	for {
		piece, err := body.Next()
		read = append(read, piece...)
		if errors.Is(err, io.EOF) {
			return string(read), body, nil
		}
		if err != nil {
			return string(read), body, err
		}
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		text     string
		length   int64
		chunked  bool
		want     string
		trailers int
		err      error
	}{
		{"hello", 5, false, "hello", 0, nil},
		{"hello", 0, false, "", 0, nil},
		{"hello", 6, false, "hello", 0, ErrTooEarly},
		{"hello", -1, false, "hello", 0, nil},
		{"5\r\nhello\r\n0\r\n\r\n", -1, true, "hello", 0, nil},
		{"00005;ext=\"x\"\r\nhello\r\n1\r\n!\r\n0;x\r\nA: 1\r\nB: 2\r\n\r\n", -1, true, "hello!", 2, nil},
		{"A\r\n0123456789\r\n000\r\n\r\n", -1, true, "0123456789", 0, nil},
		{"5\r\nhel", -1, true, "hel", 0, ErrTooEarly},
		{"5\r\nhello\r\n", -1, true, "hello", 0, ErrTooEarly},
		{"g\r\n", -1, true, "", 0, ErrChunk},
		{"5\r\nhelloX\r\n", -1, true, "hello", 0, ErrChunk},
		{"0\r\nA : 1\r\n\r\n", -1, true, "", 0, message.ErrFieldName},
		{"0\r\nA: 1\n\r\n", -1, true, "", 0, ErrTrailers},
	} {
		got, body, err := readAll(c.text, c.length, c.chunked)
		if got != c.want || !errors.Is(err, c.err) || len(body.Trailers()) != c.trailers {
			t.Errorf("%q: got %q, %v with %d trailers; want %q, %v", c.text, got, err, len(body.Trailers()), c.want, c.err)
		}
	}
}

// FuzzChunked compares with net/http's reader, which is the more tolerant one: what is accepted here must be read
// there as the same bytes.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "1;x=y\r\na\r\n00\r\nT: 1\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n", "0\r\n\r\n", "1\na\n0\n\n",
		"ffffffffffffffff\r\n", "+1\r\na\r\n0\r\n\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := readAll(text, -1, true)
		if err != nil {
			return
		}
		standard, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(text)))
		if err != nil || !bytes.Equal(standard, []byte(got)) {
			t.Errorf("%q: got %q; net/http has %q, %v", text, got, standard, err)
		}
	})
}
