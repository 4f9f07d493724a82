package http2

import (
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// streamState determines how frames for a stream are handled.
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

// readData reads a DATA frame and adds its content to the body of its stream. The payload is handled where it was read
// to.
func (r *reader) readData(header xhttp2.FrameHeader) error {
	if header.StreamID == 0 {
		return protocolError
	}
	size := int(header.Length)
	payload, err := r.input.Peek(size)
	if err != nil {
		return r.broken(err)
	}
	data := payload
	if header.Flags.Has(xhttp2.FlagDataPadded) {
		if len(payload) == 0 {
			return frameSize
		}
		padding := int(payload[0])
		if data = payload[1:]; padding > len(data) {
			return protocolError
		}
		data = data[:len(data)-padding]
	}
	err = r.handleData(header, data)
	if _, discardErr := r.input.Discard(size); err == nil {
		err = discardErr
	}
	return err
}

func (r *reader) handleData(header xhttp2.FrameHeader, data []byte) error {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	ends := header.Flags.Has(xhttp2.FlagDataEndStream)
	if len(data) == 0 && !ends && !c.frames.charge(1) {
		return calmDown
	}
	size := int64(header.Length) // padding counts (RFC 9113 section 6.9.1)
	if !c.receiveWindow.receive(size) {
		return flowError
	}
	s := c.streams.open[header.StreamID]
	if s == nil {
		return r.discardData(header)
	}
	if s.remoteClosed {
		c.consumed(int(size))
		return streamError(s.id, xhttp2.ErrCodeStreamClosed)
	}
	if err := s.receive(data, size); err != nil {
		c.consumed(int(size))
		return err
	}
	if ends {
		return s.endRemote()
	}
	return nil
}

// discardData handles DATA for a stream that is not open. It is called with the connection's mutex held.
func (r *reader) discardData(header xhttp2.FrameHeader) error {
	c := r.conn
	state, err := r.classify(header.StreamID)
	if err != nil {
		return err
	}
	c.consumed(int(header.Length))
	if state == ended {
		return streamError(header.StreamID, xhttp2.ErrCodeStreamClosed)
	}
	if !c.frames.charge(1) {
		return calmDown
	}
	return nil
}

// receive adds the content of a DATA frame with a payload of some size to the body. It is called with mu held.
func (s *Stream) receive(data []byte, size int64) error {
	b := &s.body
	if !b.window.receive(size) {
		return streamError(s.id, xhttp2.ErrCodeFlowControl)
	}
	b.received += int64(len(data))
	if b.declared >= 0 && b.received > b.declared {
		return streamError(s.id, xhttp2.ErrCodeProtocol)
	}
	if b.canceled {
		s.conn.consumed(int(size)) // the window of the stream stays as it is: the rest need not be sent
	} else {
		b.add(data)
		s.consumed(int(size) - len(data))
	}
	b.waiter.changed.Broadcast()
	return nil
}
