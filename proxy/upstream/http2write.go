package upstream

import (
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/upstream/wire"
)

// appendPreface begins a connection (RFC 9113 section 3.4). It is called with mu held.
func (c *http2Conn) appendPreface() {
	if c.started {
		return
	}
	c.started = true
	c.out = append(c.out, xhttp2.ClientPreface...)
	c.out = frames.AppendSettings(c.out,
		xhttp2.Setting{ID: xhttp2.SettingEnablePush, Val: 0},
		xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: receiveStreamWindow},
		xhttp2.Setting{ID: xhttp2.SettingMaxHeaderListSize, Val: uint32(c.pool.options.Limits.HeaderBytes)},
	)
	c.out = frames.AppendWindowUpdate(c.out, 0, receiveConnWindow-defaultWindow)
}

// appendHead appends the request's header. It is called with mu held.
func (c *http2Conn) appendHead(ends bool) {
	call, r := c.call, c.call.Request
	start := len(c.out)
	c.out = append(c.out, make([]byte, frames.HeaderSize)...)
	c.out = frames.AppendMethod(c.out, r.Method)
	c.out = frames.AppendScheme(c.out, c.link.Secure() != nil)
	c.out = frames.AppendPath(c.out, call.Path, r.Query, r.HasQuery)
	if len(call.Host) > 0 {
		c.out = frames.AppendField(c.out, []byte(":authority"), call.Host)
	}
	c.appendLines(call.Lines)
	c.spare = r.AppendForwarded(c.spare[:0])
	c.appendLines(c.spare)
	if r.TakesTrailers {
		c.out = frames.AppendField(c.out, []byte("te"), []byte("trailers"))
	}
	c.out = frames.EndHeaders(c.out, start, c.stream, ends, c.maxFrame)
	c.endSent = ends
}

// appendLines appends field lines in the form of HTTP/1.1.
func (c *http2Conn) appendLines(lines []byte) {
	for len(lines) > 0 {
		var name, value []byte
		name, value, lines = frames.NextLine(lines)
		if message.EqualFold(name, "expect") && !c.call.Request.HasBody() {
			continue // there is nothing to expect 100 (Continue) for
		}
		c.out = frames.AppendField(c.out, name, value)
	}
}

// appendBody appends the whole body, for which there is window enough, and its trailers. It is called with mu held.
func (c *http2Conn) appendBody() {
	data, hasTrailers := c.call.prefix, c.hasTrailers()
	c.streamWindow -= int64(len(data))
	c.sendWindow -= int64(len(data))
	for len(data) > 0 {
		n := min(len(data), c.maxFrame)
		c.out = frames.AppendData(c.out, c.stream, data[:n], n == len(data) && !hasTrailers)
		data = data[n:]
	}
	if hasTrailers {
		c.appendTrailers(c.call.Body.Trailers())
	}
	c.endSent = true
}

func (c *http2Conn) appendTrailers(trailers []message.Field) {
	start := len(c.out)
	c.out = append(c.out, make([]byte, frames.HeaderSize)...)
	for i := range trailers {
		if trailers[i].AllowedInTrailers() {
			c.out = frames.AppendField(c.out, trailers[i].Name, trailers[i].Value)
		}
	}
	c.out = frames.EndHeaders(c.out, start, c.stream, true, c.maxFrame)
}

// flush writes what was gathered. If another goroutine is writing, that one does. It is called with mu held.
func (c *http2Conn) flush() error {
	for len(c.out) > 0 && !c.writing && c.writeErr == nil {
		c.writing = true
		c.out, c.spare = c.spare[:0], c.out
		frames := c.spare
		c.mu.Unlock()
		err := c.link.Write(frames)
		c.mu.Lock()
		c.writing, c.writeErr = false, err
		c.changed.Broadcast()
	}
	return c.writeErr
}

// sendPiece implements bodySink.
func (c *http2Conn) sendPiece(piece []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(piece) > 0 {
		if err := c.awaitWindow(); err != nil {
			return err
		}
		n := int(min(int64(len(piece)), c.streamWindow, c.sendWindow, int64(c.maxFrame)))
		c.out = frames.AppendData(c.out, c.stream, piece[:n], false)
		c.streamWindow -= int64(n)
		c.sendWindow -= int64(n)
		piece = piece[n:]
		if err := c.flush(); err != nil {
			return err
		}
		c.call.sender.hand() // a part was taken, however small the window
	}
	return nil
}

// sendEnd implements bodySink.
func (c *http2Conn) sendEnd(trailers []message.Field) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.awaitWriter(); err != nil {
		return err
	}
	if c.hasTrailers() {
		c.appendTrailers(trailers)
	} else {
		c.out = frames.AppendData(c.out, c.stream, nil, true)
	}
	c.endSent = true
	return c.flush()
}

// awaitWriter waits until no other goroutine writes. It is called with mu held.
func (c *http2Conn) awaitWriter() error {
	for c.writing && c.writeErr == nil && c.resetErr == nil {
		c.changed.Wait()
	}
	if c.writeErr != nil {
		return c.writeErr
	}
	return c.resetErr
}

// awaitWindow waits until the endpoint takes more, for Timeouts.Send. It is called with mu held.
func (c *http2Conn) awaitWindow() error {
	if err := c.awaitWriter(); err != nil || c.streamWindow > 0 && c.sendWindow > 0 {
		return err
	}
	if err := c.flush(); err != nil { // the endpoint may wait for an answer of ours
		return err
	}
	timer := time.AfterFunc(c.call.Timeouts.Send, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.slow = true
		c.changed.Broadcast()
	})
	defer timer.Stop()
	for c.slow = false; c.streamWindow <= 0 || c.sendWindow <= 0; {
		if c.slow {
			return wire.ErrSlowSend
		}
		c.changed.Wait()
		if err := c.awaitWriter(); err != nil {
			return err
		}
	}
	return nil
}
