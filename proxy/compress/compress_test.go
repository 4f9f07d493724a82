package compress

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

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

func newCompressor(t testing.TB, settings Settings) *Compressor {
	t.Helper()
	c, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewRefusesInvalidSettings(t *testing.T) {
	for _, settings := range []Settings{
		{}, {Coding: "deflate", Level: 1}, {Coding: Gzip, Level: 0}, {Coding: Gzip, Level: 10}, {Coding: Brotli, Level: -1},
		{Coding: Brotli, Level: 12}, {Coding: Gzip, Level: 1, Except: "("},
	} {
		if _, err := New(settings); err == nil {
			t.Errorf("%+v is accepted", settings)
		}
	}
}

func TestEligible(t *testing.T) {
	c := newCompressor(t, Settings{Coding: Gzip, Level: 1, MinLength: 100, Types: []string{"text/html", "application/json"}})
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
	if !newCompressor(t, Settings{Coding: Gzip, Level: 1, Types: []string{"*"}}).Eligible(newReply(t, 200, "Content-Type: image/png")) {
		t.Error("* does not mean all types")
	}
}

func TestAccepts(t *testing.T) {
	gzip := newCompressor(t, Settings{Coding: Gzip, Level: 1, Except: `^old/[12]\.`})
	brotli := newCompressor(t, Settings{Coding: Brotli, Level: 1})
	for field, want := range map[string][2]bool{
		"": {false, false}, "Accept-Encoding: gzip": {true, false}, "Accept-Encoding: br, GZIP;q=0.5": {true, true},
		"Accept-Encoding: gzip;q=0, Br;q=1": {false, true}, "Accept-Encoding: gzip; Q=0.000": {false, false},
		"Accept-Encoding: *": {true, false}, "Accept-Encoding: br": {false, true}, "Accept-Encoding: xgzip, xbr": {false, false},
		"Accept-Encoding: *;q=0, gzip": {false, false}, "Accept-Encoding: ,": {false, false}, "Accept-Encoding: br;q=0": {false, false},
		"Accept-Encoding: gzip, br\r\nUser-Agent: OLD/2.5": {false, true}, "Accept-Encoding: gzip\r\nUser-Agent: new/1.0": {true, false},
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
			got := [2]bool{gzip.Accepts(&request), brotli.Accepts(&request)}
			if expected := [2]bool{want[0] && may, want[1] && may}; got != expected {
				t.Errorf("%q over HTTP/%s: gzip and br are accepted: %t, want %t", field, version, got, expected)
			}
		}
	}
}

func TestAnnounce(t *testing.T) {
	reply := newReply(t, 200, "Content-Length: 5", `ETag: "a"`, "Accept-Ranges: bytes", "A: b")
	gzip := newCompressor(t, Settings{Coding: Gzip, Level: 1})
	lines := string(gzip.Announce(reply, nil))
	if got, want := string(reply.AppendForwarded(nil))+lines, "A: b\r\nETag: W/\"a\"\r\nContent-Encoding: gzip\r\n"; got != want || reply.Length != -1 {
		t.Errorf("got %q, length %d", got, reply.Length)
	}
	reply = newReply(t, 200, `ETag: W/"a"`)
	if got := string(reply.AppendForwarded(nil)) + string(newCompressor(t, Settings{Coding: Brotli, Level: 1}).Announce(reply, nil)); got != "ETag: W/\"a\"\r\nContent-Encoding: br\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestWriterIsUsedAgain(t *testing.T) {
	for _, test := range []struct {
		settings Settings
		reader   func(io.Reader) (io.Reader, error)
	}{
		{Settings{Coding: Gzip, Level: 9}, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{Settings{Coding: Brotli, Level: 11}, func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
		{Settings{Coding: Brotli, Level: 0}, func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
	} {
		t.Run(fmt.Sprintf("%s-%d", test.settings.Coding, test.settings.Level), func(t *testing.T) {
			c := newCompressor(t, test.settings)
			for _, text := range []string{"first", strings.Repeat("second", 1000), ""} {
				roundTrip(t, c, test.reader, text)
			}
		})
	}
}

// roundTrip compresses a text in two parts, and reads the first before the second is written.
func roundTrip(t *testing.T, c *Compressor, reader func(io.Reader) (io.Reader, error), text string) {
	t.Helper()
	var out bytes.Buffer
	w := c.Writer(&out)
	half := len(text) / 2
	if _, err := io.WriteString(w, text[:half]); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := reader(bytes.NewReader(out.Bytes()))
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
	if r, err = reader(&out); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != text {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzAccepts(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=0")
	gzip := newCompressor(f, Settings{Coding: Gzip, Level: 1})
	f.Fuzz(func(_ *testing.T, value string) {
		gzip.Accepts(&message.Request{Major: 2, Fields: []message.Field{{Name: []byte("accept-encoding"), Value: []byte(value)}}})
	})
}
