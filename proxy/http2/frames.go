package http2

import (
	xhttp2 "golang.org/x/net/http2"
)

const (
	protocolError = xhttp2.ConnectionError(xhttp2.ErrCodeProtocol)
	flowError     = xhttp2.ConnectionError(xhttp2.ErrCodeFlowControl)
	calmDown      = xhttp2.ConnectionError(xhttp2.ErrCodeEnhanceYourCalm)
)

// handle does what a frame asks for.
func (c *Conn) handle(frame xhttp2.Frame) error {
	switch f := frame.(type) {
	case *xhttp2.DataFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.handleData(f)
	case *xhttp2.HeadersFrame:
		return c.handleHeaders(f)
	case *xhttp2.ContinuationFrame:
		return c.handleContinuation(f)
	case *xhttp2.PriorityFrame: // deprecated by RFC 9113 section 5.3, and ignored
		if f.StreamDep == f.StreamID {
			return streamError(f.StreamID, xhttp2.ErrCodeProtocol)
		}
	case *xhttp2.RSTStreamFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.handleReset(f)
	case *xhttp2.SettingsFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.handleSettings(f)
	case *xhttp2.PushPromiseFrame:
		return protocolError // clients don't push
	case *xhttp2.PingFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		if !f.IsAck() {
			c.waitForRoom()
			return c.framer.WritePing(true, f.Data)
		}
	case *xhttp2.WindowUpdateFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.handleWindowUpdate(f)
	}
	return nil // GOAWAY: the client will close; other frames: unknown, to be ignored (RFC 9113 section 4.1)
}

// handleData gives a piece of a body to its stream. It is called with mu held.
func (c *Conn) handleData(f *xhttp2.DataFrame) error {
	size := int64(f.Length) // padding counts (RFC 9113 section 6.9.1)
	if c.receiveWindow -= size; c.receiveWindow < 0 {
		return flowError
	}
	s := c.streams[f.StreamID]
	switch {
	case s == nil && f.StreamID > c.lastID:
		return protocolError // it is idle
	case s == nil || s.remoteClosed:
		c.owe(size)
		return streamError(f.StreamID, xhttp2.ErrCodeStreamClosed)
	}
	if s.receiveWindow -= size; s.receiveWindow < 0 {
		c.owe(size)
		return streamError(f.StreamID, xhttp2.ErrCodeFlowControl)
	}
	data := f.Data()
	s.received += int64(len(data))
	if s.declared >= 0 && s.received > s.declared {
		c.owe(size)
		return streamError(f.StreamID, xhttp2.ErrCodeProtocol)
	}
	if s.cut {
		c.owe(size)
	} else {
		s.receive = append(s.receive, data...)
		s.taken(size - int64(len(data)))
	}
	s.changed.Broadcast()
	if f.StreamEnded() {
		return s.endRemote()
	}
	return nil
}

// owe notes that bytes of bodies were taken, and tells the client in time. It is called with mu held.
func (c *Conn) owe(n int64) {
	if c.owed += n; c.owed >= connectionWindow/2 {
		_ = c.framer.WriteWindowUpdate(0, uint32(c.owed))
		c.receiveWindow += c.owed
		c.owed = 0
	}
}

func (c *Conn) handleReset(f *xhttp2.RSTStreamFrame) error {
	s := c.streams[f.StreamID]
	if s == nil {
		if f.StreamID > c.lastID {
			return protocolError
		}
		return nil
	}
	c.reset(s)
	delete(c.streams, f.StreamID)
	// A client that opens and resets streams makes the endpoints work and waits for nothing (CVE-2023-44487).
	if c.canceled++; c.canceled > 2*c.options.Streams {
		return calmDown
	}
	return nil
}

// reset makes a stream fail whose client wants it no more. It is called with mu held.
func (c *Conn) reset(s *Stream) {
	s.gone, s.localClosed, s.remoteClosed = true, true, true
	c.owe(int64(len(s.receive)))
	s.receive = s.receive[:0]
	s.changed.Broadcast()
	if s.closeWhenGone != nil {
		s.closeWhenGone.Close()
		s.closeWhenGone = nil
	}
}

func (c *Conn) handleSettings(f *xhttp2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	if f.NumSettings() > 100 || f.HasDuplicates() && f.NumSettings() > 32 {
		return calmDown
	}
	err := f.ForeachSetting(func(s xhttp2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID {
		case xhttp2.SettingInitialWindowSize:
			change := int64(s.Val) - c.initialWindow
			c.initialWindow = int64(s.Val)
			for _, stream := range c.streams {
				if stream.sendWindow += change; stream.sendWindow > maxWindow {
					return flowError
				}
				stream.changed.Broadcast()
			}
		case xhttp2.SettingMaxFrameSize:
			c.maxSendFrame = min(int(s.Val), 64<<10)
		default: // replies use no dynamic table, and nothing is pushed
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.waitForRoom()
	return c.framer.WriteSettingsAck()
}

func (c *Conn) handleWindowUpdate(f *xhttp2.WindowUpdateFrame) error {
	if f.StreamID == 0 {
		if c.sendWindow += int64(f.Increment); c.sendWindow > maxWindow {
			return flowError
		}
		for _, s := range c.streams {
			s.changed.Broadcast()
		}
		return nil
	}
	s := c.streams[f.StreamID]
	if s == nil {
		if f.StreamID > c.lastID {
			return protocolError
		}
		return nil
	}
	if s.sendWindow += int64(f.Increment); s.sendWindow > maxWindow {
		return streamError(f.StreamID, xhttp2.ErrCodeFlowControl)
	}
	s.changed.Broadcast()
	return nil
}

// refuse ends a stream because of an error.
func (c *Conn) refuse(err xhttp2.StreamError) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.streams[err.StreamID]; s != nil {
		c.reset(s)
		delete(c.streams, err.StreamID)
	}
	// Errors cost the client nothing either.
	if c.canceled++; c.canceled > 2*c.options.Streams {
		return calmDown
	}
	c.waitForRoom()
	return c.framer.WriteRSTStream(err.StreamID, err.Code)
}

func streamError(id uint32, code xhttp2.ErrCode) error {
	return xhttp2.StreamError{StreamID: id, Code: code}
}
