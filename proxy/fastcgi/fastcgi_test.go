package fastcgi

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// record is a record of a request, with padding.
func record(kind, id byte, content string, padding int) string {
	header := []byte{version, kind, 0, id, byte(len(content) >> 8), byte(len(content)), byte(padding), 0}
	return string(header) + content + strings.Repeat("\x00", padding)
}

func TestReader(t *testing.T) {
	t.Parallel()
	end := record(typeEnd, 1, "\x00\x00\x00\x00\x00\x00\x00\x00", 0)
	for name, c := range map[string]struct{ records, want, failure string }{
		"plain": {
			record(typeStdout, 1, "Content-Type: text/plain\r\n\r\nhello", 3) + record(typeStdout, 1, "", 0) + end,
			"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello", "",
		},
		"a status, in pieces, with errors between": {
			record(typeStdout, 1, "Sta", 0) + record(typeStderr, 1, "PHP Warning", 5) + record(typeStdout, 1, "tus: 404 Not Found\nA: b\n", 1) +
				record(typeStdout, 1, "\nbo", 0) + record(typeStderr, 1, "again", 0) + record(typeStdout, 1, "dy", 7) + end,
			"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nbody", "",
		},
		"a redirect":             {record(typeStdout, 1, "Location: /x\r\n\r\n", 0) + end, "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", ""},
		"a redirect's status":    {record(typeStdout, 1, "Location: /x\nStatus: 301\n\n", 0) + end, "HTTP/1.1 301\r\nLocation: /x\r\n\r\n", ""},
		"of the connection":      {record(typeStdout, 1, "Connection: close\nTransfer-Encoding: chunked\nX: 1\n\n", 0) + end, "HTTP/1.1 200 OK\r\nX: 1\r\n\r\n", ""},
		"others' records":        {record(typeStdout, 2, "Evil: 1\n\n", 0) + record(10, 0, "values", 2) + record(typeStdout, 1, "X: 1\n\n", 0) + end, "HTTP/1.1 200 OK\r\nX: 1\r\n\r\n", ""},
		"an interim status":      {record(typeStdout, 1, "Status: 101 Switching\n\n", 0) + end, "", "header"},
		"two statuses":           {record(typeStdout, 1, "Status: 200\nStatus: 500\n\n", 0) + end, "", "header"},
		"no status":              {record(typeStdout, 1, "Status: ok\n\n", 0) + end, "", "header"},
		"no field":               {record(typeStdout, 1, "nonsense\n\n", 0) + end, "", "header"},
		"no header":              {end, "", "header"},
		"an endless header":      {record(typeStdout, 1, strings.Repeat("A: b\n", 100), 0) + end, "", "too large"},
		"another version":        {"\x02" + end[1:], "", "record"},
		"a request's type":       {record(typeParams, 1, "", 0), "", "record"},
		"an end in the body":     {record(typeStdout, 1, "X: 1\n\nhel", 0), "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nhel", "closed the connection"},
		"an end in a record":     {record(typeStdout, 1, "X: 1\n\nhello", 0)[:16], "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nhe", "closed the connection"},
		"nothing":                {"", "", "closed the connection"},
		"nothing but its header": {end[:5], "", "closed the connection"},
	} {
		for how, in := range map[string]io.Reader{
			"at once": strings.NewReader(c.records), "byte by byte": iotest.OneByteReader(strings.NewReader(c.records)),
			"with the end": iotest.DataErrReader(strings.NewReader(c.records)),
		} {
			got, err := io.ReadAll(NewReader(in, 200))
			if string(got) != c.want || (err != nil) != (c.failure != "") || err != nil && !strings.Contains(err.Error(), c.failure) {
				t.Errorf("%s, %s: got %q, %v", name, how, got, err)
			}
		}
	}
}

// A time-out is followed by another read.
func TestReaderGoesOnAfterATimeout(t *testing.T) {
	t.Parallel()
	records := record(typeStdout, 1, "X: 1\n\nhello", 2) + record(typeEnd, 1, "\x00\x00\x00\x00\x00\x00\x00\x00", 0)
	for cut := range len(records) - headerSize { // the content of the last record is not needed
		in := io.MultiReader(strings.NewReader(records[:cut]), &once{}, strings.NewReader(records[cut:]))
		reader := NewReader(in, 200)
		first, err := io.ReadAll(reader)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		rest, err := io.ReadAll(reader)
		if got := string(first) + string(rest); err != nil || got != "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nhello" {
			t.Fatalf("cut at %d: got %q, %v", cut, got, err)
		}
	}
}

// once fails with a time-out, and has ended after that.
type once struct{ failed bool }

func (o *once) Read([]byte) (int, error) {
	if o.failed {
		return 0, io.EOF
	}
	o.failed = true
	return 0, os.ErrDeadlineExceeded
}

func TestPairs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200)
	got := AppendPair(nil, "A", "1")
	begun, value := BeginPair(got, "B")
	got = EndPair(append(begun, "22"...), "B", value)
	got = AppendPair(got, "C", long)
	want := "\x01\x01A1" + "\x01\x80\x00\x00\x02B22" + "\x01\x80\x00\x00\xc8C" + long
	if string(got) != want {
		t.Errorf("got %q", got)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	got := AppendFields(nil, []byte("X-A: b\r\nProxy: evil\r\nContent-Type: t\r\nContent-Length: 5\r\nnothing\r\n"))
	if want := AppendPair(AppendPair(nil, "HTTP_X_A", "b"), "CONTENT_TYPE", "t"); !bytes.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	got := AppendBody(nil, make([]byte, maxContent+1))
	if len(got) != 2*headerSize+maxContent+1 || got[1] != typeStdin || got[4] != 0xff || got[headerSize+maxContent+5] != 1 {
		t.Errorf("%d bytes", len(got))
	}
	if got := AppendBody(nil, nil); len(got) != 0 {
		t.Errorf("an empty piece would be the end of the body: %q", got)
	}
}

// FuzzReader looks for replies that are read in another way in pieces, and for headers that name more than one message.
func FuzzReader(f *testing.F) {
	end := record(typeEnd, 1, "\x00\x00\x00\x00\x00\x00\x00\x00", 0)
	f.Add(record(typeStdout, 1, "Status: 404 Not Found\r\nA: b\r\n\r\nbody", 3) + end)
	f.Add(record(typeStderr, 1, "oops", 0) + record(typeStdout, 1, "Location: /\n\n", 0) + end)
	f.Add(end)
	f.Fuzz(func(t *testing.T, records string) {
		whole, err := io.ReadAll(NewReader(strings.NewReader(records), 1000))
		pieces, again := io.ReadAll(NewReader(iotest.OneByteReader(strings.NewReader(records)), 1000))
		if string(whole) != string(pieces) || (err == nil) != (again == nil) {
			t.Errorf("got %q, %v; in pieces %q, %v", whole, err, pieces, again)
		}
		if len(whole) > 0 && !bytes.HasPrefix(whole, []byte("HTTP/1.1 ")) || len(whole) > 0 && !bytes.Contains(whole, []byte("\r\n\r\n")) {
			t.Errorf("got %q", whole)
		}
	})
}
