//go:build linux

package crilog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/cri-client/pkg/logs"
)

func openLog(t testing.TB, limits Limits) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web", "0.log")
	l, err := Open(path, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, path
}

func TestEntries(t *testing.T) {
	long := strings.Repeat("x", longestEntry+10)
	cases := []struct {
		name, input string
		want        []string
	}{
		{"lines", "one\ntwo\n", []string{"stdout F one", "stdout F two"}},
		{"empty line", "\n", []string{"stdout F "}},
		{"no end of line at the end", "one", []string{"stdout P one"}},
		{"long line", long + "\n", []string{"stdout P " + long[:longestEntry], "stdout F " + long[longestEntry:]}},
		{"nothing", "", nil},
		{"carriage return stays", "a\r\n", []string{"stdout F a\r"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, path := openLog(t, DefaultLimits())
			l.now = func() time.Time { return time.Date(2024, 10, 12, 3, 21, 29, 189148000, time.UTC) }
			var heard bytes.Buffer
			if err := l.Copy(Stdout, strings.NewReader(c.input), &heard); err != nil {
				t.Fatal(err)
			}
			want := ""
			for _, w := range c.want {
				want += "2024-10-12T03:21:29.189148000Z " + w + "\n"
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != want {
				t.Errorf("log %.200q, %v; want %.200q", got, err, want)
			}
			if heard.String() != c.input {
				t.Errorf("listeners heard %.200q", heard.String())
			}
		})
	}
}

// FuzzLogReadsBack writes anything as output and reads it with the kubelet's reader.
func FuzzLogReadsBack(f *testing.F) {
	f.Add("one\ntwo\n")
	f.Add(strings.Repeat("long ", 8000) + "\nshort")
	f.Add("\x00\xff\n\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, path := openLog(t, DefaultLimits())
		if err := l.Copy(Stdout, strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			return
		}
		var out, err bytes.Buffer
		if problem := logs.ReadLogs(context.Background(), path, "", &logs.LogOptions{}, nil, &out, &err); problem != nil {
			t.Fatal(problem)
		}
		if out.String() != text || err.Len() != 0 {
			t.Errorf("read %q and %q, wrote %q", out.String(), err.String(), text)
		}
	})
}

func TestStreamsDontMix(t *testing.T) {
	l, path := openLog(t, DefaultLimits())
	done := make(chan error)
	for _, stream := range []string{Stdout, Stderr} {
		go func() { done <- l.Copy(stream, strings.NewReader(strings.Repeat(stream+" says so\n", 1000)), nil) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(`^\S+Z (stdout F stdout|stderr F stderr) says so$`)
	count := 0
	for line := range strings.Lines(string(raw)) {
		if !entry.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Fatalf("entry %q", line)
		}
		count++
	}
	if count != 2000 {
		t.Errorf("%d entries, want 2000", count)
	}
}

func TestRotation(t *testing.T) {
	l, path := openLog(t, Limits{FileBytes: 1000, Files: 3})
	if err := l.Copy(Stdout, strings.NewReader(strings.Repeat("a line of the log\n", 200)), nil); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 3 {
		t.Fatalf("files %q, %v; want three", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Size() > 1000 {
			t.Errorf("%s: %v, %v", f, info.Size(), err)
		}
	}
}

func TestOutputIsReadEvenIfItCantBeLogged(t *testing.T) {
	l, _ := openLog(t, DefaultLimits())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	result := make(chan error)
	go func() { result <- l.Copy(Stdout, r, nil) }()
	for range 100 {
		if _, err := io.WriteString(w, "a line\n"); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if err := <-result; !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want that of a closed file", err)
	}
}
