package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestEntry(t *testing.T) {
	entry := Entry{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC), Duration: 1234567 * time.Microsecond,
		Client: netip.MustParseAddr("10.0.0.1"), Scheme: "http", Protocol: "HTTP/1.1", Method: "GET", Host: "h", Path: "/",
		Status: 200, BytesOut: 5, Upstream: "u", Endpoint: "10.0.0.2:80", Attempts: 2, UpstreamTime: 7 * time.Microsecond,
	}
	const want = `{"time":"2026-03-01T12:00:00.005Z","client":"10.0.0.1","scheme":"http","protocol":"HTTP/1.1","method":"GET",` +
		`"host":"h","path":"/","status":200,"bytes_in":0,"bytes_out":5,"seconds":1.234567,"upstream":"u",` +
		`"endpoint":"10.0.0.2:80","attempts":2,"upstream_seconds":0.000007}` + "\n"
	if got := string(entry.appendJSON(nil)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// FuzzEntry checks that whatever a client sends stays within its member, on one line.
func FuzzEntry(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\x00\x7f\xff\u2028é")
	f.Fuzz(func(t *testing.T, text string) {
		entry := Entry{UserAgent: text, Status: 200}
		line := entry.appendJSON(nil)
		if bytes.IndexByte(line, '\n') != len(line)-1 {
			t.Fatalf("%q is more than one line", line)
		}
		var read struct {
			UserAgent string `json:"user_agent"`
		}
		if err := json.Unmarshal(line, &read); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if want := strings.ToValidUTF8(text, ""); strings.ReplaceAll(read.UserAgent, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Errorf("%q is read as %q", text, read.UserAgent)
		}
	})
}

// sink keeps what is written, and fails while it is set to.
type sink struct {
	mu     sync.Mutex
	writes [][]byte
	err    error
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, bytes.Clone(p))
	return len(p), s.err
}

func (s *sink) all() (text string, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(bytes.Join(s.writes, nil)), len(s.writes)
}

func TestWriterGathers(t *testing.T) {
	var out sink
	w := NewWriter(&out, slog.New(slog.DiscardHandler))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 500 {
				w.Write(nil, &Entry{Status: 200, Method: "GET"})
			}
		})
	}
	group.Wait()
	w.Flush()
	text, writes := out.all()
	lines := strings.SplitAfter(text, "\n")
	if len(lines) != 2001 || writes > 20 {
		t.Errorf("got %d lines in %d writes", len(lines)-1, writes)
	}
	for _, line := range lines[:2000] {
		if !json.Valid([]byte(line)) {
			t.Fatalf("got the line %q", line)
		}
	}
	for _, write := range out.writes {
		if write[len(write)-1] != '\n' {
			t.Error("an entry is split over two writes")
		}
	}
}

func TestWriterDoesNotWaitForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		w := NewWriter(&out, slog.New(slog.DiscardHandler))
		for want := 1; want <= 2; want++ {
			w.Write(nil, &Entry{})
			time.Sleep(flushDelay)
			synctest.Wait()
			if _, writes := out.all(); writes != want {
				t.Errorf("%d entries are written, want %d", writes, want)
			}
		}
	})
}

func TestWriterReportsARowOfFailuresOnce(t *testing.T) {
	var log bytes.Buffer
	out := sink{err: io.ErrShortWrite}
	w := NewWriter(&out, slog.New(slog.NewTextHandler(&log, nil)))
	for _, err := range []error{errors.New("full"), errors.New("full"), nil, errors.New("full again")} {
		out.err = err
		w.Write(nil, &Entry{})
		w.Flush()
	}
	if reports := strings.Count(log.String(), "\n"); reports != 2 {
		t.Errorf("got %d reports:\n%s", reports, log.String())
	}
	var none *Writer
	none.Write(nil, &Entry{})
	none.Flush()
}
