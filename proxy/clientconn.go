package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/deadline"
	"github.com/ingress-testbed/testbed/proxy/forwarded"
	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// clientConn is an HTTP/1.1 connection of a client. One goroutine reads a request, talks to the endpoint and writes
// the reply, and then does the same again.
type clientConn struct {
	conn    net.Conn
	in      http1.Buffer
	out     []byte
	request message.Request
	read    http1.Body // of the request
	exchange

	phase      phase
	headerDue  bool // the deadline of a slow header is set
	cut        atomic.Bool
	readLimit  deadline.Lazy
	writeLimit deadline.Lazy

	// closing says that the reply has told, or will tell, that it is the last.
	closing bool
	chunked bool // the reply is

	idle    atomic.Bool // between two requests
	telling sync.Mutex  // held while the connection is told to end; guards what follows
	closed  bool
	absence absence
}

// phase is what a read of the connection waits for.
type phase uint8

const (
	awaitRequest phase = iota
	awaitHeader
	awaitBody
)

// preface is how a client begins that speaks HTTP/2 by prior knowledge (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func newClientConn(server *Server, conn net.Conn, client *forwarded.Connection) *clientConn {
	c := &clientConn{conn: conn, out: make([]byte, 0, 2<<10)}
	c.in.Reset(c)
	c.exchange = exchange{server: server, client: client, front: c, request: &c.request}
	return c
}

// serve answers requests until the connection ends. It reports true if the client speaks HTTP/2 instead; what was
// read is then in c.in.
func (c *clientConn) serve() (isHTTP2 bool) {
	limits := &c.server.config.Limits
	for {
		c.phase, c.headerDue = awaitRequest, false
		if c.in.Buffered() > 0 {
			c.phase = awaitHeader
		}
		head, err := c.in.ReadHeader(limits.HeaderBytes)
		if err != nil {
			c.refuse(err)
			return false
		}
		if bytes.HasPrefix(head, []byte(preface[:14])) {
			c.in.Discard(-len(head)) // nothing was used
			return true
		}
		now := time.Now()
		c.phase = awaitBody
		if err := c.request.Parse(head, limits.HeaderFields); err != nil {
			c.refuse(err)
			return false
		}
		c.read.Start(&c.in, c.request.Length, c.request.Chunked)
		c.closing, c.chunked = false, false
		if !c.exchange.serve(now) {
			return false
		}
	}
}

// refuse answers a header that can't be read or understood. Nobody waits for an answer on an idle connection.
func (c *clientConn) refuse(err error) {
	var refused *message.Error
	switch {
	case errors.As(err, &refused):
	case c.phase == awaitHeader && errors.Is(err, os.ErrDeadlineExceeded):
		refused = &message.Error{Status: 408, Reason: "the header did not come in time"}
	default:
		return
	}
	method := c.request.Method
	c.request = message.Request{Major: 1, Minor: 1, Close: true, Method: method}
	c.read.Start(&c.in, -1, false) // whatever follows is discarded
	c.exchange.refuse(time.Now(), refused)
}

// Read implements io.Reader for the connection's buffer: a read with the time limit of what it waits for.
func (c *clientConn) Read(p []byte) (int, error) {
	timeouts := &c.server.config.Timeouts
	switch c.phase {
	case awaitRequest:
		return c.readIdle(p, timeouts.Idle)
	case awaitHeader:
		if !c.headerDue { // one limit for the whole header, however often it trickles
			c.headerDue = true
			c.readLimit.Forget()
			if err := c.conn.SetReadDeadline(time.Now().Add(timeouts.Header)); err != nil {
				return 0, err
			}
		}
	case awaitBody:
		if err := c.readLimit.Extend(c.conn.SetReadDeadline, time.Now(), timeouts.Body); err != nil {
			return 0, err
		}
		if c.cut.Load() {
			return 0, os.ErrDeadlineExceeded
		}
	}
	return c.conn.Read(p)
}

// readIdle waits for the first bytes of a request.
func (c *clientConn) readIdle(p []byte, limit time.Duration) (int, error) {
	if err := c.readLimit.Extend(c.conn.SetReadDeadline, time.Now(), limit); err != nil {
		return 0, err
	}
	// The next request may come while others run, and then the read needs not be tried twice. Giving way before the
	// reads of replies too would keep the scheduler so busy that it seldom looks for what has come from the network.
	runtime.Gosched()
	c.request.Release()
	c.idle.Store(true)
	if c.server.draining.Load() {
		return 0, io.EOF
	}
	n, err := c.conn.Read(p)
	c.idle.Store(false)
	if c.server.draining.Load() {
		// Drain may have found the connection idle, and be about to end the read that has just ended by itself.
		c.telling.Lock()
		c.readLimit.Forget()
		c.telling.Unlock()
	}
	if n > 0 {
		c.phase = awaitHeader
	}
	return n, err
}

// Drain ends the connection if it is idle; otherwise it ends after the reply that is under way.
func (c *clientConn) Drain() {
	c.telling.Lock()
	defer c.telling.Unlock()
	if c.idle.Load() {
		c.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// Close ends the connection at once, and the endpoint's that works for it.
func (c *clientConn) Close() error {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.closed = true
	if c.absence.endpoint != nil {
		c.absence.endpoint.Close()
	}
	return c.conn.Close()
}

// body, cutBody: see front.
func (c *clientConn) body() requestBody { return &c.read }

func (c *clientConn) cutBody() {
	c.cut.Store(true)
	c.conn.SetReadDeadline(time.Unix(1, 0))
}

const (
	// drainedBody is how much of a body that nobody wants is read, to keep the connection.
	drainedBody = 64 << 10
	// lingerTime is how long a client that still sends is listened to after the last reply, and lingerIdle how long
	// one that doesn't: a connection that is closed with unread bytes is reset, and the reply may be lost (RFC 9112
	// section 9.6).
	lingerTime = 10 * time.Second
	lingerIdle = 2 * time.Second
)

func (c *clientConn) fit() bool {
	if c.closing || c.cut.Load() {
		c.linger()
		return false
	}
	for read := 0; !c.read.Ended(); {
		piece, err := c.read.Next()
		read += len(piece)
		if err != nil && !errors.Is(err, io.EOF) || read > drainedBody {
			return false
		}
	}
	return true
}

func (c *clientConn) linger() {
	if c.read.Ended() && c.in.Buffered() == 0 && !c.cut.Load() {
		return
	}
	closeWrite(c.conn)
	buffer := http1.GetLarge()
	defer http1.PutLarge(buffer)
	for end := time.Now().Add(lingerTime); time.Now().Before(end); {
		c.conn.SetReadDeadline(time.Now().Add(lingerIdle))
		if _, err := c.conn.Read(buffer[:]); err != nil {
			return
		}
	}
}
