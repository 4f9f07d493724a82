package http2

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/deadline"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// Options bound what a client can make a connection do.
type Options struct {
	Streams int             // requests that may be served at once
	Reading message.Reading // its Bytes are the size of a request's header after decompression
	Header  time.Duration   // for a header that comes in several frames
	Idle    time.Duration   // without a frame, while there is no request
	Body    time.Duration   // for a client to send more of a body, or to accept more of a reply
	Busy    time.Duration   // without a frame, while requests are served
}

// maxFrame is the largest payload of a frame that is accepted, in bytes.
const maxFrame = 16 << 10

// trimInterval is how long a resource must have been unused to be released.
const trimInterval = time.Second

// maxPinged is how often PINGs may extend Options.Idle.
const maxPinged = 10

// Conn is a connection of a client.
type Conn struct {
	conn    net.Conn
	options *Options
	context context.Context // done when the connection is closed
	cancel  context.CancelFunc
	reader  *reader

	mu         sync.Mutex // guards everything below, and the streams
	out        output
	workers    workers
	streams    streams
	shutdown   shutdown
	resets     budget
	frames     budget
	trimmer    *time.Timer // runs while there may be something to trim
	trimming   bool
	readUntil  deadline.Lazy
	idleSince  time.Time // that the last request ended
	halfClosed bool      // the client will send nothing more

	window        sendWindow // of the connection
	initialWindow sendWindow // of new streams
	receiveWindow receiveWindow
}

// New returns a connection that serves requests from conn. read is what was read from conn already. newWorker returns
// the function that serves the requests of one worker, one after the other.
func New(conn net.Conn, read []byte, options *Options, newWorker func() func(*Stream)) *Conn {
	c := &Conn{
		conn: conn, options: options,
		streams: newStreams(),
		resets:  newResetBudget(options.Streams), frames: newFrameBudget(),
		idleSince: time.Now(),
		window:    defaultWindow, initialWindow: defaultWindow, receiveWindow: newReceiveWindow(connectionWindow),
	}
	c.context, c.cancel = context.WithCancel(context.Background())
	c.workers = newWorkers(options.Streams, newWorker, c.finish)
	c.reader = newReader(c, read)
	c.out = newOutput(conn, &c.mu, options.Body)
	// SETTINGS is the first frame, whatever follows it (RFC 9113 section 3.4).
	c.out.settings(
		xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: uint32(options.Streams)},
		xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: streamWindow},
		xhttp2.Setting{ID: xhttp2.SettingMaxHeaderListSize, Val: uint32(options.Reading.Bytes)},
	)
	c.out.windowUpdate(0, connectionWindow-defaultWindow)
	return c
}

// Context is done when the connection is closed.
func (c *Conn) Context() context.Context { return c.context }

// Close closes the connection at once. Serve returns when all workers have ended.
func (c *Conn) Close() error {
	c.cancel()
	return c.conn.Close()
}

// Serve serves requests until the connection is closed and all workers have ended.
func (c *Conn) Serve() {
	err := c.reader.run()
	c.mu.Lock()
	if errors.Is(err, io.EOF) {
		c.serveHalfClosed()
	}
	if code, announced := closeCode(err); announced && (code != xhttp2.ErrCodeNo || !c.shutdown.final) {
		c.out.goAway(c.streams.lastID, code)
	}
	c.out.flushAll()
	ours := c.out.err == nil && !errors.Is(err, io.EOF)
	c.closeStreams()
	c.mu.Unlock()
	c.cancel()
	c.reader.closeGone()
	if ours {
		c.linger()
	}
	c.conn.Close()
	c.workers.group.Wait()
}

// closeCode returns the code of the GOAWAY that announces the end of a connection because of err; false if the client
// has closed the connection.
func closeCode(err error) (xhttp2.ErrCode, bool) {
	var code xhttp2.ConnectionError
	switch {
	case errors.As(err, &code):
		return xhttp2.ErrCode(code), true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return xhttp2.ErrCodeNo, true
	}
	return 0, false
}

// closeStreams resets all streams, and ends the workers that wait. It is called with mu held, by the reader's goroutine.
func (c *Conn) closeStreams() {
	c.out.fail(net.ErrClosed)
	for _, s := range c.streams.open {
		c.reset(s, true)
	}
	c.workers.close()
	c.shutdown.stop()
	if c.trimmer != nil {
		c.trimmer.Stop()
	}
}

// linger lets the client read what was written: a connection that is closed with unread bytes is reset, which discards
// what the client has not read yet.
func (c *Conn) linger() {
	if half, can := c.conn.(interface{ CloseWrite() error }); can {
		_ = half.CloseWrite() // the connection is closed anyway
	}
	c.conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c.conn, 1<<20)
}

// extendRead sets the time limit of a read; inHeader says that a header block has begun and not ended. It is called with
// mu held.
func (c *Conn) extendRead(inHeader bool) error {
	limit := c.options.Busy
	now := time.Now()
	switch {
	case c.shutdown.final && c.workers.running == 0:
		return net.ErrClosed
	case inHeader:
		limit = c.options.Header
	case c.workers.running == 0:
		limit = min(c.options.Idle, maxPinged*c.options.Idle-now.Sub(c.idleSince))
		if limit <= 0 {
			return os.ErrDeadlineExceeded
		}
	}
	return c.readUntil.Extend(c.conn.SetReadDeadline, now, limit)
}

// consumed gives n bytes of bodies back to the window of the connection. It is called with mu held.
func (c *Conn) consumed(n int) { c.out.windowUpdate(0, c.receiveWindow.consume(int64(n))) }

// reset handles the end of a stream by the client, or because of an error of the client. It is called with mu held, by the reader's
// goroutine.
func (c *Conn) reset(s *Stream, byClient bool) {
	c.streams.remove(s, byClient)
	s.gone, s.localClosed = true, true
	c.consumed(s.body.discard())
	s.body.waiter.changed.Broadcast()
	s.reply.waiter.changed.Broadcast()
	if s.closeWhenGone != nil {
		c.reader.gone = append(c.reader.gone, s)
		s.closing = true
	}
}

// finish ends what the worker of a stream has left open. It reports whether the worker must wait for another stream.
func (c *Conn) finish(s *Stream) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.awaitClosed()
	if c.streams.open[s.id] == s {
		switch {
		case !s.localClosed:
			c.out.resetStream(s.id, xhttp2.ErrCodeInternal)
		case !s.remoteClosed: // the client need not send the rest (RFC 9113 section 8.1)
			c.out.resetStream(s.id, xhttp2.ErrCodeNo)
		}
		c.streams.remove(s, false)
	}
	if !s.gone {
		c.resets.forgive(1)
	}
	c.consumed(s.body.discard() + s.body.returnLent())
	c.streams.put(s)
	again := c.workers.ended()
	if c.workers.running == 0 {
		c.idle()
	}
	c.out.flush()
	c.trimLater()
	return again
}

// idle is called, with mu held, when the last request has ended.
func (c *Conn) idle() {
	c.idleSince = time.Now()
	c.out.changed.Broadcast() // serveHalfClosed may wait
	if c.shutdown.final {
		c.stopReading()
	} else if c.out.err == nil {
		_ = c.extendRead(false) // the read itself will fail too
	}
}

// trimLater has unused resources released. It is called with mu held.
func (c *Conn) trimLater() {
	switch {
	case c.trimming || c.out.err != nil:
		return
	case c.trimmer == nil:
		c.trimmer = time.AfterFunc(trimInterval, c.trim)
	default:
		c.trimmer.Reset(trimInterval)
	}
	c.trimming = true
}

// trim releases what the last interval did not need.
func (c *Conn) trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trimming = false
	kept := c.workers.trim()
	c.streams.trim(kept)
	if kept > 0 {
		c.trimLater()
	} else {
		c.out.trim()
	}
}
