package upstream

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// http2Conn is an HTTP/2 connection (RFC 9113), and the reply to the request that it serves. It has one stream at a time:
// the goroutine that sends a request also reads the frames that arrive, those of the connection included. A request body
// that is not complete yet is sent by its sender meanwhile; what both need is guarded by mu.
type http2Conn struct {
	link    wire.Link
	pool    *Pool
	in      http1.Buffer
	decoder *hpack.Decoder
	section frames.Section // that is being read

	reply        message.Response
	headLines    []byte // of the reply, while trailers are read
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
	resetErr      error // why the stream accepts no more of the request
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
	c.call, c.waiting = call, wait{call: call, pool: c.pool, link: &c.link, since: now}
	c.stream += 2
	c.sent, c.state, c.declared, c.received = false, awaitHead, -1, 0
	c.broken, c.refused = false, false
	c.streamReceiveWindow, c.unacked = receiveStreamWindow, 0
	c.lastRead, c.pinged, c.silence = now, time.Time{}, 0
	c.trailers = c.trailers[:0]
	err := c.send()
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
		return nil, fmt.Errorf("%w: %w", wire.ErrStale, err)
	}
	return nil, err
}

// send sends the header and the part of the body that was received. If that is all, it is written when the reply is read.
func (c *http2Conn) send() error {
	call := c.call
	call.sender.begin()
	c.link.LimitSend(call.Timeouts.Send)
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
		if err := c.link.Send(c.spare); err != nil {
			return err
		}
		c.sent = !c.link.Pending()
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

// abort implements conn and bodySink.
func (c *http2Conn) abort() {
	_ = c.link.Close()
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
func (c *http2Conn) base() *wire.Link { return &c.link }
