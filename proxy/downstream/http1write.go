package downstream

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ingress-testbed/testbed/proxy/deadline"
	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/message"
)

const (
	// gatherLimit is how many bytes of a reply are gathered before they are written.
	gatherLimit = 16 << 10
	// keptBuffer is the capacity of the buffer for gathering that an idle connection may keep.
	keptBuffer = 2 << 10
)

// replyWriter writes replies in HTTP/1.1 (RFC 9112).
type replyWriter struct {
	conn    net.Conn
	limit   time.Duration // for a write
	until   deadline.Lazy
	out     []byte // gathered
	chunked bool   // the body of the reply is
	parts   [2][]byte
	both    net.Buffers // of parts

	// While much is gathered, out is in large, which is borrowed, and small is the connection's own buffer.
	large *[http1.LargeBuffer]byte
	small []byte
}

func (w *replyWriter) status(status int, reason []byte) {
	if w.out == nil {
		w.out = make([]byte, 0, keptBuffer)
	}
	w.out = append(w.out, "HTTP/1.1 "...)
	w.out = strconv.AppendInt(w.out, int64(status), 10)
	w.out = append(w.out, ' ')
	if len(reason) > 0 {
		w.out = append(w.out, reason...)
	} else {
		w.out = append(w.out, http.StatusText(status)...)
	}
	w.out = append(w.out, '\r', '\n')
}

func (w *replyWriter) forwarded(reply *message.Response) { w.out = reply.AppendForwarded(w.out) }

func (w *replyWriter) line(name, value string) {
	w.out = append(w.out, name...)
	w.out = append(w.out, value...)
	w.out = append(w.out, '\r', '\n')
}

func (w *replyWriter) endHeader() { w.out = append(w.out, '\r', '\n') }

func (w *replyWriter) data(piece []byte) error {
	if w.chunked {
		w.out = strconv.AppendInt(w.out, int64(len(piece)), 16)
		w.out = append(w.out, '\r', '\n')
	}
	if len(w.out)+len(piece) <= gatherLimit {
		w.reserve(len(piece))
		w.out = append(w.out, piece...)
	} else if err := w.flushWith(piece); err != nil {
		return err
	}
	if w.chunked {
		w.out = append(w.out, '\r', '\n')
	}
	return nil
}

func (w *replyWriter) end(trailers []message.Field) {
	if !w.chunked {
		return
	}
	w.out = append(w.out, "0\r\n"...)
	w.out = message.AppendTrailers(w.out, trailers)
	w.endHeader()
}

// upgrade gathers a reply with status 101 (RFC 9110 section 15.2.2).
func (w *replyWriter) upgrade(reply *message.Response, lines []byte) {
	w.status(reply.Status, reply.Reason)
	w.forwarded(reply)
	w.out = append(w.out, lines...)
	w.out = append(w.out, "Connection: upgrade\r\nUpgrade: "...)
	w.out = append(w.out, reply.Upgrade...)
	w.out = append(w.out, "\r\n\r\n"...)
}

func (w *replyWriter) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	err := w.write(w.out)
	w.empty()
	return err
}

// reserve makes room for n bytes, in borrowed memory if the connection's own is too small.
func (w *replyWriter) reserve(n int) {
	if len(w.out)+n <= cap(w.out) || w.large != nil {
		return
	}
	w.large, w.small = http1.GetLarge(), w.out
	w.out = append(w.large[:0], w.out...)
}

// empty drops what was gathered, and gives back what was borrowed.
func (w *replyWriter) empty() {
	if w.large != nil {
		http1.PutLarge(w.large)
		w.out, w.small, w.large = w.small, nil, nil
	}
	w.out = w.out[:0]
}

// flushWith writes what was gathered and a piece, in one system call if the connection can.
func (w *replyWriter) flushWith(piece []byte) error {
	if _, isTCP := w.conn.(*net.TCPConn); !isTCP || len(w.out) == 0 {
		if err := w.flush(); err != nil {
			return err
		}
		return w.write(piece)
	}
	if err := w.extend(); err != nil {
		return err
	}
	w.parts = [2][]byte{w.out, piece}
	w.both = w.parts[:]
	_, err := w.both.WriteTo(w.conn)
	w.parts, w.both = [2][]byte{}, nil
	w.empty()
	return err
}

func (w *replyWriter) extend() error {
	return w.until.Extend(w.conn.SetWriteDeadline, time.Now(), w.limit)
}

func (w *replyWriter) write(p []byte) error {
	if err := w.extend(); err != nil {
		return err
	}
	_, err := w.conn.Write(p)
	return err
}

// shrink gives up a buffer that was made for a large reply.
func (w *replyWriter) shrink() {
	if cap(w.out) > keptBuffer {
		w.out = nil
	}
}
