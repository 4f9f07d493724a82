package upstream

import (
	"encoding/binary"
	"errors"
	"fmt"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// handleControl handles a frame that was received as a whole.
func (c *http2Conn) handleControl(h frames.Header, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out) > maxControl {
		return fmt.Errorf("%w: it makes the proxy answer and does not read", errProtocol)
	}
	switch h.Type {
	case xhttp2.FrameSettings:
		return c.handleSettings(h, payload)
	case xhttp2.FramePing:
		switch {
		case len(payload) != 8:
			return errFrameSize
		case h.Stream != 0:
			return errProtocol
		case !h.Flags.Has(xhttp2.FlagPingAck):
			c.out = frames.AppendPing(c.out, true, payload)
		}
	case xhttp2.FrameWindowUpdate:
		if len(payload) != 4 {
			return errFrameSize
		}
		return c.handleWindowUpdate(h, binary.BigEndian.Uint32(payload)&maxWindow)
	case xhttp2.FrameRSTStream:
		if len(payload) != 4 {
			return errFrameSize
		}
		return c.handleReset(h, xhttp2.ErrCode(binary.BigEndian.Uint32(payload)))
	default: // PRIORITY is deprecated by RFC 9113 section 5.3
		if len(payload) != 5 {
			return errFrameSize
		}
	}
	return nil
}

// maxControl is how many bytes of answers to control frames may wait to be written.
const maxControl = 256 << 10

func (c *http2Conn) handleSettings(h frames.Header, payload []byte) error {
	switch {
	case h.Stream != 0:
		return errProtocol
	case len(payload)%6 != 0, h.Flags.Has(xhttp2.FlagSettingsAck) && len(payload) > 0:
		return errFrameSize
	case h.Flags.Has(xhttp2.FlagSettingsAck):
		return nil
	}
	c.settled = true
	for ; len(payload) > 0; payload = payload[6:] {
		s := xhttp2.Setting{
			ID: xhttp2.SettingID(binary.BigEndian.Uint16(payload)), Val: binary.BigEndian.Uint32(payload[2:]),
		}
		if s.Valid() != nil {
			return errProtocol
		}
		switch s.ID {
		case xhttp2.SettingInitialWindowSize:
			if c.streamWindow += int64(s.Val) - c.initialWindow; c.streamWindow > maxWindow {
				return errFlow
			}
			c.initialWindow = int64(s.Val)
			c.changed.Broadcast()
		case xhttp2.SettingMaxFrameSize:
			c.maxFrame = min(int(s.Val), largestFrame)
		default: // fields are sent without a dynamic table
		}
	}
	c.out = frames.AppendSettingsAck(c.out)
	return nil
}

func (c *http2Conn) handleWindowUpdate(h frames.Header, increment uint32) error {
	switch {
	case increment == 0:
		return errProtocol
	case h.Stream == 0:
		c.sendWindow += int64(increment)
	case h.Stream == c.stream && c.sent:
		c.streamWindow += int64(increment)
	case h.Stream > c.stream || h.Stream%2 == 0 || h.Stream == c.stream:
		return fmt.Errorf("%w: WINDOW_UPDATE for stream %d", errProtocol, h.Stream)
	}
	if c.sendWindow > maxWindow || c.streamWindow > maxWindow {
		return errFlow
	}
	c.changed.Broadcast()
	return nil
}

func (c *http2Conn) handleReset(h frames.Header, code xhttp2.ErrCode) error {
	switch {
	case h.Stream == 0 || h.Stream%2 == 0 || h.Stream > c.stream || h.Stream == c.stream && !c.sent:
		return fmt.Errorf("%w: RST_STREAM for stream %d", errProtocol, h.Stream)
	case h.Stream < c.stream:
		return nil // it has ended
	}
	c.resetByPeer = true
	err := &resetError{code}
	c.resetErr = err
	c.changed.Broadcast()
	if c.state == replyEnded {
		return nil // it needs no more of the request (RFC 9113 section 8.1)
	}
	if code == xhttp2.ErrCodeRefusedStream && c.state == awaitHead {
		return &Error{Err: err} // section 8.7
	}
	return err
}

// ResetCode returns the code of HTTP/2 (RFC 9113 section 7) with which an endpoint has reset the stream of a call.
func ResetCode(err error) (code uint32, isReset bool) {
	var reset *resetError
	if !errors.As(err, &reset) {
		return 0, false
	}
	return uint32(reset.code), true
}

// resetError is the error of a stream that the endpoint has reset.
type resetError struct{ code xhttp2.ErrCode }

func (e *resetError) Error() string { return "the endpoint reset the stream: " + e.code.String() }

// handleGoAway records that the connection is not used again, and whether the request was refused.
func (c *http2Conn) handleGoAway(payload []byte) error {
	last := binary.BigEndian.Uint32(payload) & maxWindow
	code := xhttp2.ErrCode(binary.BigEndian.Uint32(payload[4:]))
	c.leaving = true
	switch {
	case !c.sent:
		return wire.ErrStale
	case last < c.stream && c.state == awaitHead:
		c.refused = true
		return fmt.Errorf("%w: %v", errGoAway, code)
	}
	return nil
}
