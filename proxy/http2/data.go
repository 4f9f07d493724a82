package http2

import (
	xhttp2 "golang.org/x/net/http2"
)

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
