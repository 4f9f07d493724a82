package http2

import (
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// streamState says how frames for a stream are handled.
type streamState uint8

const (
	open      streamState = iota
	discarded             // closed, or above the last stream of GOAWAY: frames are discarded
	ended                 // by the client, which must not use it any more
)

// classify returns the state of a stream; the error is that of a frame for an idle stream (RFC 9113 section 5.1). It is
// called with the connection's mutex held.
func (r *reader) classify(id uint32) (streamState, error) {
	streams := &r.conn.streams
	switch {
	case streams.open[id] != nil:
		return open, nil
	case id%2 == 0:
		return 0, protocolError // the server opens none
	case id > streams.lastID && !r.conn.shutdown.final:
		return 0, protocolError
	case streams.wasEndedByClient(id):
		return ended, nil
	}
	return discarded, nil
}

// handle handles a frame that has neither a header block nor content. It is called with the connection's mutex held.
func (r *reader) handle(frame xhttp2.Frame) error {
	c := r.conn
	if !c.frames.charge(frameCost(frame.Header().Type)) {
		return calmDown
	}
	switch f := frame.(type) {
	case *xhttp2.PriorityFrame: // deprecated by RFC 9113 section 5.3, and ignored
		if f.StreamDep == f.StreamID {
			return r.invalidFrame(f.StreamID, xhttp2.ErrCodeProtocol)
		}
	case *xhttp2.RSTStreamFrame:
		return r.handleReset(f)
	case *xhttp2.SettingsFrame:
		return r.handleSettings(f)
	case *xhttp2.PushPromiseFrame:
		return protocolError // clients don't push
	case *xhttp2.PingFrame:
		switch {
		case !f.IsAck():
			c.out.waitForRoom()
			c.out.ping(xhttp2.FlagPingAck, string(f.Data[:]))
		case c.shutdown.begun && string(f.Data[:]) == drainPing:
			c.refuseStreams()
		}
	case *xhttp2.WindowUpdateFrame:
		return r.handleWindowUpdate(f)
	}
	return nil // GOAWAY: the client will close; other frames: unknown, to be ignored (RFC 9113 section 4.1)
}

// handleReset handles RST_STREAM. Opening and resetting streams makes the endpoints work without waiting for anything
// (CVE-2023-44487); cancelling what has lasted, or has been answered, is normal.
func (r *reader) handleReset(f *xhttp2.RSTStreamFrame) error {
	c := r.conn
	s := c.streams.open[f.StreamID]
	if s == nil {
		_, err := r.classify(f.StreamID)
		return err
	}
	premature := !s.reply.header && time.Since(s.opened) < grace
	c.reset(s, true)
	if premature && !c.resets.charge(1) {
		return calmDown
	}
	return nil
}

func (r *reader) handleSettings(f *xhttp2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	c := r.conn
	if f.NumSettings() > 100 || f.HasDuplicates() && f.NumSettings() > 32 {
		return calmDown
	}
	if err := f.ForeachSetting(r.handleSetting); err != nil {
		return err
	}
	c.out.waitForRoom()
	c.out.acknowledgeSettings()
	return nil
}

func (r *reader) handleSetting(setting xhttp2.Setting) error {
	if err := setting.Valid(); err != nil {
		return err
	}
	c := r.conn
	switch setting.ID {
	case xhttp2.SettingHeaderTableSize:
		c.out.limitTable(setting.Val)
	case xhttp2.SettingInitialWindowSize:
		change := int64(setting.Val) - int64(c.initialWindow)
		c.initialWindow = sendWindow(setting.Val)
		for _, s := range c.streams.open {
			if !s.reply.window.grow(change) {
				return flowError
			}
			s.reply.waiter.changed.Broadcast()
		}
	case xhttp2.SettingMaxFrameSize:
		c.out.maxFrame = min(int(setting.Val), 64<<10)
	default: // nothing is pushed, and reply headers are as large as they are
	}
	return nil
}

func (r *reader) handleWindowUpdate(f *xhttp2.WindowUpdateFrame) error {
	c := r.conn
	if f.StreamID == 0 {
		if !c.window.grow(int64(f.Increment)) {
			return flowError
		}
		for _, s := range c.streams.open {
			s.reply.waiter.changed.Broadcast()
		}
		return nil
	}
	s := c.streams.open[f.StreamID]
	if s == nil {
		_, err := r.classify(f.StreamID)
		return err
	}
	if !s.reply.window.grow(int64(f.Increment)) {
		return streamError(f.StreamID, xhttp2.ErrCodeFlowControl)
	}
	s.reply.waiter.changed.Broadcast()
	return nil
}
