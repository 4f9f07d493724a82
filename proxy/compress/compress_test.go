package compress

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/message"
)

func newReply(t testing.TB, status int, fields ...string) *message.Response {
	t.Helper()
	reply := new(message.Response)
	text := fmt.Sprintf("HTTP/1.1 %d X\r\n%s\r\n", status, strings.Join(append(fields, ""), "\r\n"))
	if err := reply.Parse([]byte(text), 100); err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestEligible(t *testing.T) {
	c := New(Settings{Level: 1, MinLength: 100, Types: []string{"text/html", "application/json"}})
	const html, long = "Content-Type: text/html", "Content-Length: 100"
	for _, test := range []struct {
		name   string
		status int
		fields []string
		want   bool
	}{
		{"text", 200, []string{html, long}, true}, {"an error", 404, []string{html, long}, true},
		{"another status", 206, []string{html, long}, false}, {"parameters", 200, []string{"Content-Type: Text/HTML ; charset=utf-8"}, true},
		{"another type", 200, []string{"Content-Type: text/htmlx", long}, false}, {"no type", 200, []string{long}, false},
		{"short", 200, []string{html, "Content-Length: 99"}, false}, {"of unknown length", 200, []string{html}, true},
		{"with a coding", 200, []string{html, long, "Content-Encoding: br"}, false},
	} {
		if got := c.Eligible(newReply(t, test.status, test.fields...)); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
	if !New(Settings{Level: 1, Types: []string{"*"}}).Eligible(newReply(t, 200, "Content-Type: image/png")) {
		t.Error("* does not mean all types")
	}
}

func TestAccepts(t *testing.T) {
	for field, want := range map[string]bool{
		"": false, "Accept-Encoding: gzip": true, "Accept-Encoding: br, GZIP;q=0.5": true, "Accept-Encoding: gzip;q=0": false,
		"Accept-Encoding: gzip; Q=0.000": false, "Accept-Encoding: *": true, "Accept-Encoding: br": false, "Accept-Encoding: xgzip": false,
		"Accept-Encoding: *;q=0, gzip": false, "Accept-Encoding: ,": false,
	} {
		for version, may := range map[string]bool{"1.1": true, "1.0": false} {
			text := "GET / HTTP/" + version + "\r\nHost: h\r\n"
			if field != "" {
				text += field + "\r\n"
			}
			var request message.Request
			if err := request.Parse([]byte(text+"\r\n"), 100); err != nil {
				t.Fatal(err)
			}
			if got := Accepts(&request); got != (want && may) {
				t.Errorf("%q over HTTP/%s: got %t", field, version, got)
			}
		}
	}
}

func TestAnnounce(t *testing.T) {
	reply := newReply(t, 200, "Content-Length: 5", `ETag: "a"`, "Accept-Ranges: bytes", "A: b")
	lines := string(Announce(reply, nil))
	if got, want := string(reply.AppendForwarded(nil))+lines, "A: b\r\nETag: W/\"a\"\r\nContent-Encoding: gzip\r\n"; got != want || reply.Length != -1 {
		t.Errorf("got %q, length %d", got, reply.Length)
	}
	reply = newReply(t, 200, `ETag: W/"a"`)
	if got := string(reply.AppendForwarded(nil)) + string(Announce(reply, nil)); got != "ETag: W/\"a\"\r\nContent-Encoding: gzip\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestWriterIsUsedAgain(t *testing.T) {
	c := New(Settings{Level: 9})
	for _, text := range []string{"first", strings.Repeat("second", 1000), ""} {
		var out bytes.Buffer
		w := c.Writer(&out)
		half := len(text) / 2
		if _, err := io.WriteString(w, text[:half]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		flushed := make([]byte, half)
		if _, err := io.ReadFull(r, flushed); err != nil || string(flushed) != text[:half] {
			t.Errorf("flushed %q, %v", flushed, err)
		}
		_, _ = io.WriteString(w, text[half:])
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w.Release()
		if r, err = gzip.NewReader(&out); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func FuzzAccepts(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=0")
	f.Fuzz(func(_ *testing.T, value string) {
		Accepts(&message.Request{Major: 2, Fields: []message.Field{{Name: []byte("accept-encoding"), Value: []byte(value)}}})
	})
}
