//go:build linux

// Package crilog writes a container's output in the format that the kubelet's readers understand (CRI log format):
//
//	2024-10-12T03:21:29.189148000Z stdout F a whole line
//	2024-10-12T03:21:29.189160000Z stderr P a part of a line, continued in the next entry of that stream
package crilog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Streams of a process.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// Tags of entries: a whole line, or a part of one that the stream's next entry continues, unless the stream ends.
const (
	Full    = "F"
	Partial = "P"
)

// longestEntry in bytes: a longer line becomes several entries, as with containerd.
const longestEntry = 16 << 10

// Limits of the files that one container's log may take.
type Limits struct {
	// FileBytes is the size at which a file is rotated.
	FileBytes int64
	// Files is how many are kept, the current one included.
	Files int
}

// DefaultLimits are the kubelet's (containerLogMaxSize, containerLogMaxFiles).
func DefaultLimits() Limits { return Limits{FileBytes: 10 << 20, Files: 5} }

// Log is the log of one run of a container.
type Log struct {
	path   string
	limits Limits
	now    func() time.Time

	mu   sync.Mutex
	file *os.File
	size int64
	line []byte
}

// Open makes the log file, and the folder it is in.
func Open(path string, limits Limits) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("opening container log: %w", err)
	}
	l := &Log{path: path, limits: limits, now: time.Now}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("opening container log: %w", err)
	}
	l.file, l.size = f, 0
	if info, err := f.Stat(); err == nil {
		l.size = info.Size()
	}
	return nil
}

// Copy logs what it reads under the name of a stream until EOF, and copies it to tee unless that is nil. After an
// error in writing the log it keeps reading, so that a full disk does not block the container, and returns the first
// error at EOF.
func (l *Log) Copy(stream string, from io.Reader, tee io.Writer) error {
	var failed error
	reader := bufio.NewReaderSize(from, longestEntry)
	for {
		piece, err := reader.ReadSlice('\n')
		if len(piece) > 0 {
			failed = errors.Join(failed, l.write(stream, piece))
			if tee != nil {
				tee.Write(piece) //nolint:errcheck // listeners come and go; the log is what counts
			}
		}
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) || isClosedTerminal(err) || errors.Is(err, os.ErrClosed):
			return failed
		default:
			return errors.Join(failed, fmt.Errorf("reading %s of container: %w", stream, err))
		}
		if failed != nil {
			io.Copy(io.Discard, reader) //nolint:errcheck // see above
			return failed
		}
	}
}

func (l *Log) write(stream string, piece []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return os.ErrClosed
	}
	tag := Partial
	if piece[len(piece)-1] == '\n' {
		tag = Full
		piece = piece[:len(piece)-1]
	}
	l.line = l.now().UTC().AppendFormat(l.line[:0], timeFormat)
	l.line = append(l.line, ' ')
	l.line = append(l.line, stream...)
	l.line = append(l.line, ' ')
	l.line = append(l.line, tag...)
	l.line = append(l.line, ' ')
	l.line = append(l.line, piece...)
	l.line = append(l.line, '\n')
	if l.size > 0 && l.size+int64(len(l.line)) > l.limits.FileBytes {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(l.line)
	l.size += int64(n)
	if err != nil {
		return fmt.Errorf("writing container log: %w", err)
	}
	return nil
}

// timeFormat is RFC 3339 with all nine digits, so that entries sort as text.
const timeFormat = "2006-01-02T15:04:05.000000000Z07:00"

// rotate renames the current file. Readers that follow the log see the new one appear under the same name.
func (l *Log) rotate() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("rotating container log: %w", err)
	}
	aside := l.path + "." + l.now().UTC().Format("20060102-150405.000000000")
	if err := os.Rename(l.path, aside); err != nil {
		return fmt.Errorf("rotating container log: %w", err)
	}
	old, err := filepath.Glob(l.path + ".*")
	if err != nil {
		return fmt.Errorf("rotating container log: %w", err)
	}
	slices.Sort(old)
	for len(old) > 0 && len(old) > l.limits.Files-1 {
		if err := os.Remove(old[0]); err != nil {
			return fmt.Errorf("rotating container log: %w", err)
		}
		old = old[1:]
	}
	return l.open()
}

// Close ends the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
