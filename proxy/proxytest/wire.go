package proxytest

import (
	"bytes"
	"net"
)

// maxHead bounds what is gathered while the end of a header is awaited.
const maxHead = 64 << 10

// rewrittenWrites changes the header of each request that is written in one piece, as the proxy does.
type rewrittenWrites struct {
	net.Conn
	rewrite func(head []byte) []byte
}

func (c *rewrittenWrites) Write(p []byte) (int, error) {
	head, rest, isHead := cutHead(p)
	if !isHead {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(append(c.rewrite(head), rest...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cutHead splits a message after the empty line that ends its header.
func cutHead(p []byte) (head, rest []byte, found bool) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 || !bytes.Contains(p[:bytes.IndexByte(p, '\r')], []byte(" HTTP/1.1")) {
		return nil, nil, false
	}
	return bytes.Clone(p[:end+4]), p[end+4:], true
}

type rewritingListener struct {
	net.Listener
	rewrite func(head []byte) []byte
}

func (l rewritingListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &rewrittenReads{Conn: connection, rewrite: l.rewrite}, nil
}

// rewrittenReads changes the header of the first request on a connection.
type rewrittenReads struct {
	net.Conn
	rewrite func(head []byte) []byte
	pending []byte // changed, to be read next
	done    bool
}

func (c *rewrittenReads) Read(p []byte) (int, error) {
	for len(c.pending) == 0 && !c.done {
		buffer := make([]byte, 4<<10)
		n, err := c.Conn.Read(buffer)
		c.pending = append(c.pending, buffer[:n]...)
		if err != nil && len(c.pending) == 0 {
			return 0, err
		}
		for err == nil && !bytes.Contains(c.pending, []byte("\r\n\r\n")) && len(c.pending) < maxHead {
			n, err = c.Conn.Read(buffer)
			c.pending = append(c.pending, buffer[:n]...)
		}
		if head, rest, found := cutHead(c.pending); found {
			c.pending = append(c.rewrite(head), rest...)
		}
		c.done = true
	}
	if len(c.pending) > 0 {
		n := copy(p, c.pending)
		c.pending = c.pending[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
