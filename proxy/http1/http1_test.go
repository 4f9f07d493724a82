package http1

import (
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
	return readBody(text, func(body *Body, in *Buffer) { body.Start(in, length, chunked) })
}

func readReply(text string) (string, *Body, error) {
	return readBody(text, func(body *Body, in *Buffer) { body.StartReply(in, -1, true) })
}

func readBody(text string, start func(*Body, *Buffer)) (string, *Body, error) {
	var b Buffer
	b.Reset(iotest.HalfReader(strings.NewReader(text)))
	body := new(Body)
	start(body, &b)
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

// TestWhiteSpaceInChunks has white space where RFC 9112 section 7.1 has it (before extensions, and in them), and where
// only replies may have it.
func TestWhiteSpaceInChunks(t *testing.T) {
	for text, accepted := range map[string]struct{ inRequests, inReplies bool }{
		"5;a=b\r\nhello\r\n0\r\n\r\n":                {true, true},
		"5 ;a=b\r\nhello\r\n0\r\n\r\n":               {true, true},
		"5 \t ; a = \"x;y\"\r\nhello\r\n0 ;\r\n\r\n": {true, true},
		"5  \r\nhello\r\n0\r\n\r\n":                  {false, true},
		"5\t\r\nhello\r\n0\r\n\r\n":                  {false, true},
		"5\r\nhello\r\n0 \r\n\r\n":                   {false, true},
		"5\r\nhello\r\n0\r\nA : b\r\n\r\n":           {false, true},
		" 5\r\nhello\r\n0\r\n\r\n":                   {false, false},
		"5 5\r\nhello\r\n0\r\n\r\n":                  {false, false},
		"5 x\r\nhello\r\n0\r\n\r\n":                  {false, false},
		"5 \n\r\nhello\r\n0\r\n\r\n":                 {false, false},
		"5 \r\rhello\r\n0\r\n\r\n":                   {false, false},
		"5\v\r\nhello\r\n0\r\n\r\n":                  {false, false},
		"5;a=\x00\r\nhello\r\n0\r\n\r\n":             {false, false},
		" \r\nhello\r\n0\r\n\r\n":                    {false, false},
		"5\r\nhello \r\n0\r\n\r\n":                   {false, false},
	} {
		if got, _, err := readAll(text, -1, true); (err == nil) != accepted.inRequests || err == nil && got != "hello" {
			t.Errorf("%q in a request: got %q, %v", text, got, err)
		}
		got, body, err := readReply(text)
		if (err == nil) != accepted.inReplies || err == nil && got != "hello" {
			t.Errorf("%q in a reply: got %q, %v", text, got, err)
		}
		if len(body.Trailers()) > 0 && (string(body.Trailers()[0].Name) != "A" || string(body.Trailers()[0].Value) != "b") {
			t.Errorf("%q: got the trailer %q: %q", text, body.Trailers()[0].Name, body.Trailers()[0].Value)
		}
	}
}

func TestLeadingZerosOfChunkSizes(t *testing.T) {
	for size, want := range map[string]error{
		"00000000000000000005":                nil,
		strings.Repeat("0", 200) + "5":        nil,
		strings.Repeat("0", 300) + "5":        ErrChunkExtra,
		"0000000000000000000fffffffffffffff0": ErrChunk,
		"1000000000000000":                    ErrChunk,
	} {
		got, _, err := readAll(size+"\r\nhello\r\n"+strings.Repeat("0", 20)+"\r\n\r\n", -1, true)
		if !errors.Is(err, want) || err == nil && got != "hello" {
			t.Errorf("%s: got %q, %v, want %v", size, got, err, want)
		}
	}
}

// TestTrailersComeByteByByte reads two bodies of one connection: what was searched of the first trailer section must not
// be taken for searched in the second, which is shorter.
func TestTrailersComeByteByByte(t *testing.T) {
	sections := []string{"Long-Name: " + strings.Repeat("x", 100) + "\r\nB: 1\r\n\r\n", "C: 2\r\n\r\n", "\r\n"}
	var b Buffer
	b.Reset(iotest.OneByteReader(strings.NewReader("1\r\na\r\n0\r\n" + strings.Join(sections, "1\r\na\r\n0\r\n"))))
	var body Body
	for i, want := range []int{2, 1, 0} {
		body.Start(&b, -1, true)
		var err error
		for err == nil {
			_, err = body.Next()
		}
		if !errors.Is(err, io.EOF) || len(body.Trailers()) != want {
			t.Fatalf("section %d: got %d trailers, %v, want %d", i, len(body.Trailers()), err, want)
		}
	}
	if _, err := b.ReadHeader(100); !errors.Is(err, io.EOF) {
		t.Errorf("after the last body: %v", err)
	}
}

// TestAvailableNeverWaits reads from a connection that must not be read from.
func TestAvailableNeverWaits(t *testing.T) {
	var b Buffer
	b.Reset(io.MultiReader(strings.NewReader("x\r\n\r\n3\r\nab"), iotest.ErrReader(errors.New("the connection is read from"))))
	if _, err := b.ReadHeader(100); err != nil {
		t.Fatal(err)
	}
	var body Body
	body.Start(&b, -1, true)
	for _, want := range []string{"ab", "", ""} {
		if piece, err := body.Available(); string(piece) != want || err != nil {
			t.Errorf("got %q, %v, want %q", piece, err, want)
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
	f.Add("1 ;x=y\r\na\r\n00\r\n\r\n")
	f.Add("00000000000000000001 \r\na\r\n0\r\nT : 1\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := readAll(text, -1, true)
		inReply, _, replyErr := readReply(text)
		if err == nil && (replyErr != nil || inReply != got) {
			t.Errorf("%q: got %q; in a reply %q, %v", text, got, inReply, replyErr)
		}
		if replyErr != nil {
			return
		}
		standard, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(text)))
		if err != nil {
			// net/http knows neither white space before an extension nor more than 16 digits.
			if reason := err.Error(); strings.Contains(reason, "invalid byte in chunk length") && strings.ContainsAny(text, " \t") ||
				strings.Contains(reason, "http chunk length too large") && strings.Contains(text, "00") {
				return
			}
		}
		if err != nil || string(standard) != inReply {
			t.Errorf("%q: got %q; net/http has %q, %v", text, inReply, standard, err)
		}
	})
}
