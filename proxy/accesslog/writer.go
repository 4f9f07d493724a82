package accesslog

import (
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	flushBytes = 32 << 10
	// flushDelay is how long an entry may stay in memory: short enough to watch the log.
	flushDelay = 100 * time.Millisecond
)

// Writer gathers entries and writes many of them at once. It never splits an entry over two writes. Its methods may
// be called concurrently; a nil *Writer drops everything.
type Writer struct {
	out    io.Writer
	logger *slog.Logger

	mu     sync.Mutex
	buffer []byte
	entry  Entry // that is written in a format
	timer  *time.Timer
	armed  bool
	failed bool
}

// NewWriter writes to out. The first of a row of failures is reported to logger; failures don't stop the traffic.
func NewWriter(out io.Writer, logger *slog.Logger) *Writer {
	w := &Writer{out: out, logger: logger, buffer: make([]byte, 0, flushBytes+4<<10)}
	w.timer = time.AfterFunc(time.Hour, w.Flush)
	w.timer.Stop()
	return w
}

// Write takes one entry, and writes it by the rules. It keeps nothing of it.
func (w *Writer) Write(rules *Rules, entry *Entry) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.append(rules.lineFormat(), entry)
	switch {
	case len(w.buffer) >= flushBytes:
		w.flush()
	case !w.armed:
		w.armed = true
		w.timer.Reset(flushDelay)
	}
}

// append appends a line; w.mu must be held. Variables are called by pointers, so that their entry can't be on the stack: it
// is copied to one that is there already.
func (w *Writer) append(format *Format, entry *Entry) {
	if format == nil {
		w.buffer = entry.appendJSON(w.buffer)
		return
	}
	w.entry = *entry
	w.buffer = format.append(w.buffer, &w.entry)
	w.entry = Entry{}
}

// Flush writes what was gathered.
func (w *Writer) Flush() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	w.flush()
}

func (w *Writer) flush() {
	if len(w.buffer) == 0 {
		return
	}
	_, err := w.out.Write(w.buffer)
	w.buffer = w.buffer[:0]
	if err != nil && !w.failed {
		w.logger.Error("writing the access log failed; entries are lost until it succeeds", "error", err)
	}
	w.failed = err != nil
}
