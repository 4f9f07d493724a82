package upstream

import (
	"errors"
	"fmt"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
)

// openFrame is a frame whose payload is taken as it comes: data, a fragment of a field section, or what is skipped.
type openFrame struct {
	open    bool
	kind    xhttp2.FrameType
	left    int // bytes of the payload that are missing, without padding
	padding int
	flags   xhttp2.Flags
}

// event is what the next frames bring.
type event uint8

const (
	needMore event = iota // nothing before more bytes have come
	headRead              // c.reply is a header
	dataRead              // c.in begins with a piece of the body
	endRead               // the reply has ended
)

// maxSettings is how many settings one frame may have.
const maxSettings = 64

// Errors of connections.
var (
	errProtocol  = errors.New("the endpoint broke the rules of HTTP/2")
	errFrameSize = fmt.Errorf("%w: the size of a frame", errProtocol)
	errFlow      = fmt.Errorf("%w: flow control", errProtocol)
	errGoAway    = errors.New("the endpoint ended the connection (GOAWAY)")
)

// next handles the received frames, without waiting, up to the next event.
func (c *http2Conn) next() (event, error) {
	for {
		if c.frame.open {
			if progress, event, err := c.payload(); !progress || event != needMore || err != nil {
				return event, err
			}
			continue
		}
		if c.state == replyEnded {
			return endRead, nil
		}
		progress, err := c.nextFrame()
		if !progress || err != nil {
			return needMore, err
		}
	}
}

// payload consumes the received part of the open frame's payload.
func (c *http2Conn) payload() (progress bool, _ event, _ error) {
	f := &c.frame
	there := c.in.Peek()
	if f.left > 0 {
		if len(there) == 0 {
			return false, needMore, nil
		}
		if f.kind == xhttp2.FrameData {
			return true, dataRead, nil
		}
		piece := there[:min(len(there), f.left)]
		var err error
		if f.kind == xhttp2.FrameHeaders {
			if _, err = c.decoder.Write(piece); err == nil {
				err = c.section.Err
			}
		}
		c.in.Discard(len(piece))
		f.left -= len(piece)
		return true, needMore, err
	}
	if f.padding > 0 {
		n := min(len(there), f.padding)
		c.in.Discard(n)
		f.padding -= n
		if f.kind == xhttp2.FrameData {
			c.taken(int64(n))
		}
		return n > 0, needMore, nil
	}
	f.open = false
	switch {
	case f.kind == xhttp2.FrameData && f.flags.Has(xhttp2.FlagDataEndStream):
		return true, needMore, c.endReply()
	case f.kind == xhttp2.FrameHeaders && f.flags.Has(xhttp2.FlagHeadersEndHeaders):
		event, err := c.endSection()
		return true, event, err
	}
	return true, needMore, nil
}

// nextFrame begins with the next frame, or handles it whole.
func (c *http2Conn) nextFrame() (progress bool, err error) {
	there := c.in.Peek()
	if len(there) < frames.HeaderSize {
		return false, nil
	}
	h := frames.ParseHeader(there)
	there = there[frames.HeaderSize:]
	if h.Length > defaultMaxFrame {
		return false, errFrameSize
	}
	if c.inHeaders != (h.Type == xhttp2.FrameContinuation) || c.inHeaders && h.Stream != c.stream {
		return false, errProtocol
	}
	if !c.settled && (h.Type != xhttp2.FrameSettings || h.Flags.Has(xhttp2.FlagSettingsAck)) {
		return false, fmt.Errorf("%w: it did not begin with SETTINGS", errProtocol)
	}
	switch h.Type {
	case xhttp2.FrameData, xhttp2.FrameHeaders, xhttp2.FrameContinuation:
		progress, err = c.beginFrame(h, there)
	case xhttp2.FrameGoAway:
		if len(there) < min(8, h.Length) {
			return false, nil
		}
		if h.Length < 8 {
			return false, errFrameSize
		}
		c.open(h, 8, 0)
		return true, c.handleGoAway(there)
	case xhttp2.FrameSettings, xhttp2.FramePing, xhttp2.FrameWindowUpdate, xhttp2.FrameRSTStream, xhttp2.FramePriority:
		if h.Length > 6*maxSettings {
			return false, errFrameSize
		}
		if len(there) < h.Length {
			return false, nil
		}
		payload := there[:h.Length]
		c.in.Discard(frames.HeaderSize + h.Length)
		progress, err = true, c.handleControl(h, payload)
	case xhttp2.FramePushPromise:
		err = fmt.Errorf("%w: it pushes", errProtocol)
	default: // unknown frames are ignored (RFC 9113 section 4.1)
		c.open(h, 0, 0)
		progress = true
	}
	return progress, err
}

// open uses up the header of a frame and the first bytes of its payload, which includes padding at its end.
func (c *http2Conn) open(h frames.Header, used, padding int) {
	c.in.Discard(frames.HeaderSize + used)
	c.frame = openFrame{open: true, kind: h.Type, left: h.Length - used - padding, padding: padding, flags: h.Flags}
	if h.Type == xhttp2.FrameContinuation {
		c.frame.kind = xhttp2.FrameHeaders
	}
}

// beginFrame begins with a frame of the stream.
func (c *http2Conn) beginFrame(h frames.Header, there []byte) (progress bool, err error) {
	if !c.sent || h.Stream != c.stream {
		// The stream was not opened, or has ended: the frame must not be taken for part of another reply.
		return false, fmt.Errorf("%w: %v for stream %d", errProtocol, h.Type, h.Stream)
	}
	used, padding := 0, 0
	if h.Type != xhttp2.FrameContinuation && h.Flags.Has(xhttp2.FlagDataPadded) { // the same bit in HEADERS
		used = 1
	}
	if h.Type == xhttp2.FrameHeaders && h.Flags.Has(xhttp2.FlagHeadersPriority) {
		used += 5
	}
	if used > h.Length {
		return false, errFrameSize
	}
	if len(there) < used {
		return false, nil
	}
	if used == 1 || used == 6 {
		padding = int(there[0])
	}
	if used+padding > h.Length {
		return false, fmt.Errorf("%w: padding", errProtocol)
	}
	switch h.Type {
	case xhttp2.FrameData:
		err = c.beginData(h, used)
	case xhttp2.FrameHeaders:
		err = c.beginSection(h)
	default:
		c.sectionBytes += frames.HeaderSize + h.Length
		if c.sectionBytes > 2*c.pool.options.Limits.HeaderBytes {
			err = frames.ErrTooLarge // also of empty frames
		}
	}
	if err == nil {
		c.open(h, used, padding)
	}
	return true, err
}

func (c *http2Conn) beginData(h frames.Header, used int) error {
	c.receiveWindow -= int64(h.Length) // padding counts (RFC 9113 section 6.9.1)
	c.streamReceiveWindow -= int64(h.Length)
	switch {
	case c.state == awaitHead:
		return fmt.Errorf("%w: DATA before HEADERS", errProtocol)
	case c.receiveWindow < 0 || c.streamReceiveWindow < 0:
		return errFlow
	}
	c.taken(int64(used))
	return nil
}

// take consumes the received part of the open DATA frame.
func (c *http2Conn) take() ([]byte, error) {
	piece := c.in.Peek()
	piece = piece[:min(len(piece), c.frame.left)]
	c.in.Discard(len(piece))
	c.frame.left -= len(piece)
	c.received += int64(len(piece))
	c.silence = 0
	if !c.reply.HasBody(c.call.Request.Method) || c.declared >= 0 && c.received > c.declared {
		return nil, errBodyLength
	}
	c.taken(int64(len(piece)))
	return piece, nil
}

// taken gives the endpoint its windows back, when much was taken.
func (c *http2Conn) taken(n int64) {
	c.unacked += n
	stream := c.unacked >= receiveStreamWindow/2 && c.state != replyEnded
	if !stream && c.receiveWindow > receiveConnWindow/2 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if stream {
		c.out = frames.AppendWindowUpdate(c.out, c.stream, uint32(c.unacked))
		c.streamReceiveWindow += c.unacked
		c.unacked = 0
	}
	if c.receiveWindow <= receiveConnWindow/2 {
		c.out = frames.AppendWindowUpdate(c.out, 0, uint32(receiveConnWindow-c.receiveWindow))
		c.receiveWindow = receiveConnWindow
	}
}
