package upstream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/h2frames"
)

// http2Conn is an HTTP/2 connection (RFC 9113), and the reply to the request that it serves. It has one stream at a time:
// whoever sends a request reads the frames that come, those of the connection included. A request body that is not whole
// is sent by its sender meanwhile; what both need is guarded by mu.
type http2Conn struct {
	link
	pool    *Pool
	in      http1.Buffer
	decoder *hpack.Decoder
	section h2frames.Section // that is being read

	reply        message.Response
	trailerLines []byte
	trailers     []message.Field

	call    *Call
	waiting wait

	started      bool   // the preface was sent
	settled      bool   // the first SETTINGS have come
	stream       uint32 // of the call, or the last one
	sent         bool   // the request was written, or may have been
	state        streamState
	declared     int64 // content-length, or -1
	received     int64 // bytes of the body
	broken       bool  // the connection can't be used again
	refused      bool  // by GOAWAY
	leaving      bool  // GOAWAY has come
	probing      bool  // reads do not wait
	enlarged     bool  // in has a large buffer
	filled       bool  // the last read filled the buffer
	frame        openFrame
	inHeaders    bool // a field section has begun and not ended
	sectionEnds  bool // it ends the stream
	sectionBytes int  // compressed, frame headers included

	receiveWindow       int64 // of the connection
	streamReceiveWindow int64
	unacked             int64 // bytes that were taken, which the endpoint does not know yet
	lastRead            time.Time
	pinged              time.Time // the last PING; zero if it was answered, or something else has come
	silence             int       // PINGs since the stream has fallen silent

	mu            sync.Mutex // guards the following
	changed       sync.Cond
	out           []byte
	spare         []byte
	writing       bool
	writeErr      error
	sendWindow    int64 // of the connection
	streamWindow  int64
	initialWindow int64
	maxFrame      int
	resetErr      error // why the stream takes no more of the request
	endSent       bool  // END_STREAM was sent
	slow          bool  // the endpoint gives no window
	resetByPeer   bool
}

// streamState is how far the reply has got.
type streamState uint8

const (
	awaitHead streamState = iota
	awaitBody
	replyEnded
)

// Flow-control windows for what endpoints send (RFC 9113 section 5.2). What is not read yet waits in the kernel's buffers,
// so that a window costs no memory here. The connection's is large: there is one stream at a time.
const (
	receiveStreamWindow = 256 << 10
	receiveConnWindow   = 1 << 30
	defaultWindow       = 65535 // what both sides begin with
	maxWindow           = 1<<31 - 1
	defaultMaxFrame     = 16 << 10
	// largestFrame is how much of a body is sent in one frame at most.
	largestFrame = 64 << 10
	// lastStream is the last stream of a connection: identifiers end at 2^31-1.
	lastStream = 1<<31 - 3
)

func newHTTP2(pool *Pool) *http2Conn {
	c := &http2Conn{
		pool: pool, stream: 1<<32 - 1, // so that the first is 1
		receiveWindow: receiveConnWindow,
		sendWindow:    defaultWindow, initialWindow: defaultWindow, maxFrame: defaultMaxFrame,
	}
	c.changed.L = &c.mu
	c.in.Reset(http2Input{c})
	c.decoder = hpack.NewDecoder(4096, c.section.Emit)
	c.decoder.SetMaxStringLength(pool.options.Limits.HeaderBytes)
	return c
}

// roundTrip implements conn.
func (c *http2Conn) roundTrip(call *Call, now time.Time) (Reply, error) {
	c.call, c.waiting = call, wait{call: call, since: now}
	c.stream += 2
	c.sent, c.state, c.declared, c.received = false, awaitHead, -1, 0
	c.broken, c.refused = false, false
	c.streamReceiveWindow, c.unacked = receiveStreamWindow, 0
	c.lastRead, c.pinged, c.silence = now, time.Time{}, 0
	c.trailers = c.trailers[:0]
	err := c.send(now)
	if err == nil {
		err = c.readHead()
	}
	if err == nil {
		call.forgetPrefix()
		return c, nil
	}
	switch {
	case c.refused:
		return nil, &Error{Err: err, stale: true}
	case !c.sent:
		return nil, fmt.Errorf("%w: %w", errStale, err)
	}
	return nil, err
}

// send sends the header and the part of the body that is there. If that is all, it is written when the reply is read for.
func (c *http2Conn) send(now time.Time) error {
	call := c.call
	call.sender.begin()
	if err := c.extendWrite(now, call.Timeouts.Send); err != nil {
		return err
	}
	c.mu.Lock()
	c.streamWindow = c.initialWindow
	c.resetErr, c.endSent, c.slow, c.resetByPeer = nil, false, false, false
	whole := call.whole && int64(len(call.prefix)) <= min(c.streamWindow, c.sendWindow)
	c.appendPreface()
	c.appendHead(whole && len(call.prefix) == 0 && !c.hasTrailers())
	if whole && !c.endSent {
		c.appendBody()
	}
	if whole { // frames that answer others go to out meanwhile
		c.out, c.spare = c.spare[:0], c.out
	}
	c.mu.Unlock()
	if whole {
		if err := c.link.send(c.spare); err != nil {
			return err
		}
		c.sent = !c.pending()
		return nil
	}
	if err := c.lookForFrames(); err != nil {
		return err
	}
	c.sent = true
	c.mu.Lock()
	err := c.flush()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	call.sender.start(call, c, call.prefix)
	return nil
}

func (c *http2Conn) hasTrailers() bool {
	if !c.call.Request.HasBody() {
		return false
	}
	trailers := c.call.Body.Trailers()
	for i := range trailers {
		if trailers[i].AllowedInTrailers() {
			return true
		}
	}
	return false
}

// readHead reads field sections until one is final, and sends interim replies to the client. Their size is bounded as
// that of one header, and they don't start the time limit anew.
func (c *http2Conn) readHead() error {
	limits := &c.pool.options.Limits
	for interim := 0; ; {
		event, err := c.next()
		switch {
		case err != nil:
			return err
		case event == needMore:
			if err := c.fill(); err != nil {
				return err
			}
			continue
		case event != headRead:
			return h2frames.ErrMalformed
		case c.reply.Status >= 200:
			return nil
		case c.reply.Status == 101: // RFC 9113 section 8.6
			return errUnrequestedUpgrade
		case c.reply.Status == 100:
			c.call.sender.invite()
		}
		if interim += len(c.section.Lines); interim > limits.HeaderBytes {
			return errTooManyInterim
		}
		if !c.call.takesInterim() {
			continue
		}
		if err := c.call.Client.Informational(&c.reply); err != nil {
			return errors.Join(ErrClientGone, err)
		}
	}
}

// http2Input is what the buffer of a connection reads from.
type http2Input struct{ conn *http2Conn }

// Read implements io.Reader.
func (i http2Input) Read(p []byte) (int, error) {
	c := i.conn
	if c.probing {
		n, err := c.probe(p)
		if err != nil {
			return 0, errStale
		}
		return n, nil
	}
	now := time.Now()
	if err := c.waiting.overdue(now); err != nil {
		return 0, err
	}
	if err := c.extendRead(now, c.waiting.slice()); err != nil {
		return 0, err
	}
	n, err := c.link.Read(p)
	if !c.sent {
		c.sent = !c.pending()
		if !c.sent && n == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, errStale
		}
	}
	if n > 0 {
		c.lastRead, c.pinged = now, time.Time{}
	}
	c.filled = n == len(p)
	return n, err
}

// fill waits for more bytes of frames.
func (c *http2Conn) fill() error {
	if c.sent {
		c.mu.Lock()
		err := c.flush()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	} else if c.wire.reused && c.partial() {
		// The rest of the frame must come before the request is sent: it may be of a stream that nobody opened.
		return c.lookForFrames()
	}
	if c.filled && !c.enlarged {
		c.in.Enlarge()
		c.enlarged = true
	}
	for {
		err := c.in.Fill()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if errors.Is(err, io.EOF) {
				return errConnEnded // io.EOF would be the end of the reply
			}
			return err
		}
		if err := c.waiting.next(); err != nil {
			return err
		}
		if err := c.checkAlive(); err != nil {
			return err
		}
		c.releaseBuffers()
	}
}

// lookForFrames reads and handles the frames that are there before the request is written.
func (c *http2Conn) lookForFrames() error {
	for {
		if event, err := c.next(); err != nil || event != needMore {
			return errStale
		}
		c.probing = true
		err := c.in.Fill()
		c.probing = false
		if errors.Is(err, io.ErrNoProgress) { // nothing is there
			if c.wire.reused && c.partial() {
				return errStale
			}
			return nil
		}
		if err != nil {
			return errStale
		}
	}
}

// partial reports whether a frame has begun and not ended.
func (c *http2Conn) partial() bool {
	return c.in.Buffered() > 0 || c.frame.open || c.inHeaders
}

// releaseBuffers frees memory that is not needed while the endpoint is silent.
func (c *http2Conn) releaseBuffers() {
	if c.enlarged {
		c.in.Release()
		c.enlarged, c.filled = false, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent && !c.writing && len(c.out) == 0 {
		if cap(c.out) > smallBuffer {
			c.out = nil
		}
		if cap(c.spare) > smallBuffer {
			c.spare = nil
		}
	}
}

// An endpoint that is silent for long is asked for a sign of life (RFC 9113 section 6.7), and given up if none comes. More
// than one such PING in five minutes is too many for some gRPC servers.
const (
	pingAfter   = 30 * time.Second
	pingAgain   = 5*time.Minute + 10*time.Second
	pingTimeout = 15 * time.Second
)

var errDead = &timeoutError{"the endpoint's connection is dead: it did not answer a PING"}

func (c *http2Conn) checkAlive() error {
	now := time.Now()
	if !c.pinged.IsZero() {
		if now.Sub(c.pinged) >= pingTimeout {
			return errDead
		}
		return nil
	}
	silent := pingAfter
	if c.silence > 0 {
		silent = pingAgain
	}
	if !c.sent || now.Sub(c.lastRead) < silent {
		return nil
	}
	c.pinged = now
	c.silence++
	c.mu.Lock()
	defer c.mu.Unlock()
	var data [8]byte
	c.out = h2frames.AppendPing(c.out, false, data[:])
	return c.flush()
}

// abort implements conn and bodySink.
func (c *http2Conn) abort() {
	c.link.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.resetErr == nil {
		c.resetErr = errAborted
	}
	c.changed.Broadcast()
}

var errAborted = errors.New("the connection was closed")

// closer implements conn.
func (c *http2Conn) closer() io.Closer { return (*http2Closer)(c) }

// http2Closer aborts the connection for the client's side.
type http2Closer http2Conn

// Close implements io.Closer.
func (c *http2Closer) Close() error {
	(*http2Conn)(c).abort()
	return nil
}

// base implements conn.
func (c *http2Conn) base() *link { return &c.link }
