// Package http2 is the server's side of HTTP/2 (RFC 9113) at the level of frames: one goroutine reads a connection's
// frames, each request is served in a goroutine that is used again, and what they all write is gathered and written
// at once by whoever comes first. Frames are read and most of them written with golang.org/x/net/http2's Framer.
package http2

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/deadline"
)

// Options bound what a client can make a connection do.
type Options struct {
	Streams      int // requests that may run at once
	HeaderBytes  int // of a request, before compression
	HeaderFields int
	Header       time.Duration // for a header that comes in several frames
	Idle         time.Duration // without a request
	Body         time.Duration // for a client to send more of a body, or to take more of a reply
	Busy         time.Duration // without a frame while requests are running
}

// Flow control windows for what clients send (RFC 9113 section 5.2). The connection's bounds the memory for bodies
// that endpoints are slow to take.
const (
	streamWindow     = 256 << 10
	connectionWindow = 1 << 20
	defaultWindow    = 65535 // what both begin with
	maxWindow        = 1<<31 - 1
	maxFrame         = 16 << 10 // that is read
)

// gathered is how many bytes may wait to be written before those who write more have to wait too.
const gathered = 256 << 10

// Conn is a connection of a client.
type Conn struct {
	conn    net.Conn
	options *Options
	// newWorker makes what serves one request after the other, in one goroutine.
	newWorker func() func(*Stream)

	input   *bufio.Reader
	framer  *xhttp2.Framer // its writes go to out, and can't fail; used with mu held
	decoder *hpack.Decoder
	headers headerBlock // that is being read

	work    chan *Stream // to workers that wait
	done    chan struct{}
	workers sync.WaitGroup

	mu        sync.Mutex // guards everything below, and the streams
	out       []byte     // to be written
	spare     []byte     // the buffer that out is swapped with
	writing   bool       // somebody writes, and will write what comes meanwhile
	writeErr  error
	written   sync.Cond // out got shorter
	readUntil deadline.Lazy
	slow      deadline.Lazy // for writes

	sendWindow    int64 // of the connection
	initialWindow int64 // of new streams, as the client set it
	maxSendFrame  int
	receiveWindow int64
	owed          int64 // bytes taken that the client was not told of yet

	streams  map[uint32]*Stream
	free     []*Stream
	lastID   uint32 // greatest that the client has opened
	running  int    // workers that are busy; may be more than streams, if the client resets many
	canceled int    // requests that the client has reset, less those that have ended well
	away     bool   // GOAWAY was sent
	closed   bool
}

// New makes a connection. read is what was read from conn already.
func New(conn net.Conn, read []byte, options *Options, newWorker func() func(*Stream)) *Conn {
	c := &Conn{
		conn: conn, options: options, newWorker: newWorker,
		work: make(chan *Stream), done: make(chan struct{}),
		sendWindow: defaultWindow, initialWindow: defaultWindow, maxSendFrame: maxFrame, receiveWindow: connectionWindow,
		streams: make(map[uint32]*Stream),
	}
	c.written.L = &c.mu
	c.input = bufio.NewReaderSize(&source{conn: c, read: read}, 16<<10)
	c.framer = xhttp2.NewFramer(appender{c}, c.input)
	c.framer.SetReuseFrames()
	c.framer.SetMaxReadFrameSize(maxFrame)
	c.decoder = hpack.NewDecoder(4096, c.headers.emit)
	c.decoder.SetMaxStringLength(options.HeaderBytes)
	return c
}

// source reads from the network with the time limit of what is waited for.
type source struct {
	conn *Conn
	read []byte
}

func (s *source) Read(p []byte) (int, error) {
	if len(s.read) > 0 {
		n := copy(p, s.read)
		s.read = s.read[n:]
		return n, nil
	}
	s.conn.mu.Lock()
	err := s.conn.extendRead(s.conn.headers.open)
	s.conn.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return s.conn.conn.Read(p)
}

// extendRead sets the time limit of a read; inHeader says that a header has begun and not ended. It is called with mu
// held.
func (c *Conn) extendRead(inHeader bool) error {
	limit := c.options.Busy
	switch {
	case c.away && c.running == 0:
		return net.ErrClosed
	case inHeader:
		limit = c.options.Header
	case c.running == 0:
		limit = c.options.Idle
	}
	return c.readUntil.Extend(c.conn.SetReadDeadline, time.Now(), limit)
}

// Serve serves requests until the connection ends, and all workers have.
func (c *Conn) Serve() {
	err := c.readAll()
	c.mu.Lock()
	var code xhttp2.ConnectionError
	isError := errors.As(err, &code)
	if isError && !c.closed {
		_ = c.framer.WriteGoAway(c.lastID, xhttp2.ErrCode(code), nil)
		c.away = true
	}
	c.flushAll()
	c.closeAll()
	c.mu.Unlock()
	if isError {
		c.linger()
	}
	c.conn.Close()
	close(c.done)
	c.workers.Wait()
}

// linger lets the client read the GOAWAY: a connection that is closed with unread bytes is reset.
func (c *Conn) linger() {
	if half, can := c.conn.(interface{ CloseWrite() error }); can {
		_ = half.CloseWrite()
	}
	c.conn.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c.conn, 1<<20)
}

// closeAll makes all streams fail. It is called with mu held.
func (c *Conn) closeAll() {
	c.closed = true
	c.written.Broadcast()
	for id, s := range c.streams {
		c.reset(s)
		delete(c.streams, id)
	}
}

func (c *Conn) readAll() error {
	var preface [len(xhttp2.ClientPreface)]byte
	if _, err := io.ReadFull(c.input, preface[:]); err != nil {
		return err
	}
	if string(preface[:]) != xhttp2.ClientPreface {
		return xhttp2.ConnectionError(xhttp2.ErrCodeProtocol)
	}
	c.mu.Lock()
	err := errors.Join(
		c.framer.WriteSettings(
			xhttp2.Setting{ID: xhttp2.SettingMaxConcurrentStreams, Val: uint32(c.options.Streams)},
			xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: streamWindow},
			xhttp2.Setting{ID: xhttp2.SettingMaxHeaderListSize, Val: uint32(c.options.HeaderBytes)},
		),
		c.framer.WriteWindowUpdate(0, connectionWindow-defaultWindow),
	)
	c.flush()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		if err := c.readFrame(first); err != nil {
			return err
		}
		if c.input.Buffered() == 0 {
			c.mu.Lock()
			c.flush()
			c.mu.Unlock()
		}
	}
}

// readFrame reads and handles a frame. Errors of a stream end that stream, all others the connection.
func (c *Conn) readFrame(first bool) error {
	frame, err := c.framer.ReadFrame()
	if err == nil {
		if _, is := frame.(*xhttp2.SettingsFrame); first && !is {
			return xhttp2.ConnectionError(xhttp2.ErrCodeProtocol)
		}
		err = c.handle(frame)
	}
	var ofStream xhttp2.StreamError
	switch {
	case errors.Is(err, xhttp2.ErrFrameTooLarge):
		return xhttp2.ConnectionError(xhttp2.ErrCodeFrameSize)
	case errors.As(err, &ofStream):
		return c.refuse(ofStream)
	}
	return err
}

// Drain makes the connection end when all requests have that were begun.
func (c *Conn) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away || c.closed {
		return
	}
	c.away = true
	_ = c.framer.WriteGoAway(c.lastID, xhttp2.ErrCodeNo, nil)
	c.flush()
	c.endIfAway()
}

// endIfAway ends the reading when nothing is left to do. It is called with mu held.
func (c *Conn) endIfAway() {
	if c.away && c.running == 0 {
		c.readUntil.Forget()
		c.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// Close ends the connection at once.
func (c *Conn) Close() error { return c.conn.Close() }
