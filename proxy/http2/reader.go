package http2

import (
	"bufio"
	"errors"
	"io"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	protocolError = xhttp2.ConnectionError(xhttp2.ErrCodeProtocol)
	flowError     = xhttp2.ConnectionError(xhttp2.ErrCodeFlowControl)
	frameSize     = xhttp2.ConnectionError(xhttp2.ErrCodeFrameSize)
	calmDown      = xhttp2.ConnectionError(xhttp2.ErrCodeEnhanceYourCalm)
)

func streamError(id uint32, code xhttp2.ErrCode) error {
	return xhttp2.StreamError{StreamID: id, Code: code}
}

// reader reads the frames of a connection. It is used by one goroutine.
type reader struct {
	conn    *Conn
	read    []byte // what was read before the connection was made
	input   *bufio.Reader
	framer  *xhttp2.Framer
	decoder *hpack.Decoder
	headers headerBlock
	gone    []*Stream // whose closers are to be closed, without the connection's mutex held
	eof     bool      // the client has closed its side
}

func newReader(c *Conn, read []byte) *reader {
	r := &reader{conn: c, read: read}
	r.input = bufio.NewReaderSize(r, maxFrame)
	r.framer = xhttp2.NewFramer(nil, r.input)
	r.framer.SetReuseFrames()
	r.framer.SetMaxReadFrameSize(maxFrame)
	// The length of strings needs no limit of its own: they are not longer than a header block can be.
	r.decoder = hpack.NewDecoder(4096, r.headers.emit)
	return r
}

// Read reads from the network with the time limit of what is waited for.
func (r *reader) Read(p []byte) (int, error) {
	if len(r.read) > 0 {
		n := copy(p, r.read)
		r.read = r.read[n:]
		return n, nil
	}
	r.read = nil
	r.conn.mu.Lock()
	err := r.conn.extendRead(r.headers.open)
	r.conn.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := r.conn.conn.Read(p)
	r.eof = errors.Is(err, io.EOF)
	return n, err
}

// run reads and handles frames until the connection must be closed. The error is io.EOF if the client has closed its
// side between two frames.
func (r *reader) run() error {
	r.flush()
	var preface [len(xhttp2.ClientPreface)]byte
	if _, err := io.ReadFull(r.input, preface[:]); err != nil {
		return err
	}
	if string(preface[:]) != xhttp2.ClientPreface {
		return protocolError
	}
	for first := true; ; first = false {
		if err := r.next(first); err != nil {
			return err
		}
		if r.input.Buffered() == 0 {
			r.flush()
		}
	}
}

func (r *reader) flush() {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	r.conn.out.flush()
}

// next reads and handles a frame. The errors of a stream end that stream, all others the connection.
func (r *reader) next(first bool) error {
	header, err := r.framer.ReadFrameHeader()
	switch {
	case errors.Is(err, xhttp2.ErrFrameTooLarge):
		return frameSize
	case err != nil:
		return err
	case first && header.Type != xhttp2.FrameSettings:
		return protocolError
	case header.Type == xhttp2.FrameData:
		err = r.readData(header)
	default:
		err = r.readOther(header)
	}
	if err != nil {
		err = r.refuse(err)
	}
	r.closeGone()
	return err
}

func (r *reader) readOther(header xhttp2.FrameHeader) error {
	frame, err := r.framer.ReadFrameForHeader(header)
	if err != nil {
		return r.broken(err)
	}
	switch f := frame.(type) {
	case *xhttp2.HeadersFrame:
		return r.handleHeaders(f)
	case *xhttp2.ContinuationFrame:
		return r.handleContinuation(f)
	}
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	return r.handle(frame)
}

// broken returns the error of a frame that could not be read. For the Framer, a payload that is too small and one that
// was cut off by the client are the same.
func (r *reader) broken(err error) error {
	var ofStream xhttp2.StreamError
	switch {
	case errors.As(err, &ofStream):
		r.conn.mu.Lock()
		defer r.conn.mu.Unlock()
		return r.invalidFrame(ofStream.StreamID, ofStream.Code)
	case errors.Is(err, io.ErrUnexpectedEOF) && !r.eof:
		return frameSize
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// invalidFrame returns the error of an invalid frame, with the code that belongs to it. It is called with the
// connection's mutex held.
func (r *reader) invalidFrame(stream uint32, code xhttp2.ErrCode) error {
	state, err := r.classify(stream)
	switch {
	case err != nil:
		return xhttp2.ConnectionError(code) // an idle stream can't be reset
	case state != discarded:
		return streamError(stream, code)
	case !r.conn.resets.charge(1):
		return calmDown
	}
	return nil
}

// refuse resets the stream that an error of the client belongs to. It returns errors of the connection. What was
// registered for the stream is closed first: it must not wait for a client that reads nothing.
func (r *reader) refuse(failed error) error {
	var err xhttp2.StreamError
	if !errors.As(failed, &err) {
		return failed
	}
	if !r.resetRefused(err.StreamID) {
		return calmDown
	}
	r.closeGone()
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.waitForRoom()
	c.out.resetStream(err.StreamID, err.Code)
	return nil
}

// resetRefused ends a stream, if it is open, because of an error of the client. It reports false if there were too many
// such errors.
func (r *reader) resetRefused(id uint32) bool {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.resets.charge(1) {
		return false
	}
	if s := c.streams.open[id]; s != nil {
		c.reset(s, false)
	}
	return true
}

// closeGone closes what was registered for the streams that were reset.
func (r *reader) closeGone() {
	for i, s := range r.gone {
		s.closeWhenGone.Close() // nothing changes it meanwhile
		r.conn.mu.Lock()
		s.closeWhenGone, s.closing = nil, false
		s.reply.waiter.changed.Broadcast()
		r.conn.mu.Unlock()
		r.gone[i] = nil
	}
	r.gone = r.gone[:0]
}
