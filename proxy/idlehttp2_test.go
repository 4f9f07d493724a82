package proxy_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Client is a client of HTTP/2 at frame level. It gives replies all the window they want and answers PINGs.
type http2Client struct {
	writing sync.Mutex
	framer  *http2.Framer
	next    uint32 // stream
	scheme  string

	reading sync.WaitGroup
	mu      sync.Mutex
	changed sync.Cond
	bytes   int   // of all replies
	ended   int   // replies
	failed  error // why no more frames are read
}

func newHTTP2Client(conn net.Conn) (*http2Client, error) {
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	c := &http2Client{framer: http2.NewFramer(conn, conn), next: 1, scheme: "http"}
	if _, secure := conn.(*tls.Conn); secure {
		c.scheme = "https"
	}
	c.changed.L = &c.mu
	const window = 1 << 30
	err := errors.Join(
		c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}),
		c.framer.WriteWindowUpdate(0, window),
	)
	if err != nil {
		return nil, err
	}
	c.reading.Go(c.read)
	return c, nil
}

// read reads frames until the connection fails.
func (c *http2Client) read() {
	for {
		frame, err := c.framer.ReadFrame()
		if err == nil {
			err = c.handle(frame)
		}
		if err != nil {
			c.mu.Lock()
			c.failed = err
			c.mu.Unlock()
			c.changed.Broadcast()
			return
		}
	}
}

func (c *http2Client) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		c.writing.Lock()
		defer c.writing.Unlock()
		return c.framer.WriteSettingsAck()
	case *http2.PingFrame:
		if f.IsAck() {
			return nil
		}
		c.writing.Lock()
		defer c.writing.Unlock()
		return c.framer.WritePing(true, f.Data)
	case *http2.DataFrame:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bytes += len(f.Data())
		if f.StreamEnded() {
			c.ended++
		}
		c.changed.Broadcast()
	case *http2.RSTStreamFrame:
		return fmt.Errorf("stream %d was reset: %v", f.StreamID, f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Errorf("GOAWAY: %v %q", f.ErrCode, f.DebugData())
	}
	return nil
}

// request begins a request. It is a GET if there is no body.
func (c *http2Client) request(path, body string, fields ...hpack.HeaderField) error {
	method := "GET"
	if body != "" {
		method = "POST"
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range append([]hpack.HeaderField{
		{Name: ":method", Value: method}, {Name: ":scheme", Value: c.scheme}, {Name: ":authority", Value: "gyull.com"},
		{Name: ":path", Value: path},
	}, fields...) {
		field.Sensitive = true // so that no entry is made that a later encoder doesn't know
		if err := encoder.WriteField(field); err != nil {
			return err
		}
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	stream := c.next
	c.next += 2
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: body == "",
	})
	if err != nil || body == "" {
		return err
	}
	return c.framer.WriteData(stream, true, []byte(body))
}

// await waits until so many bytes have come, and so many replies have ended, since the connection was made.
func (c *http2Client) await(bytes, ended int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.bytes < bytes || c.ended < ended {
		if c.failed != nil {
			return fmt.Errorf("after %d bytes and %d replies: %w", c.bytes, c.ended, c.failed)
		}
		c.changed.Wait()
	}
	if c.bytes != bytes || c.ended != ended {
		return fmt.Errorf("got %d bytes and %d replies, want %d and %d", c.bytes, c.ended, bytes, ended)
	}
	return nil
}

// download makes idleParallel requests at once and reads the replies.
func (c *idleClient) download() (err error) {
	if c.http2, err = newHTTP2Client(c.conn); err != nil {
		return err
	}
	for range idleParallel {
		if err := c.http2.request("/large?client="+c.id, ""); err != nil {
			return err
		}
	}
	return c.http2.await(idleParallel*idleLargeReply, idleParallel)
}

func (c *idleClient) getByHTTP2() error {
	if err := c.http2.request("/", ""); err != nil {
		return err
	}
	return c.http2.await(idleParallel*idleLargeReply+len("hello"), idleParallel+1)
}

// callStream calls a gRPC method with a stream of replies and reads the first of them.
func (c *idleClient) callStream() (err error) {
	if c.http2, err = newHTTP2Client(c.conn); err != nil {
		return err
	}
	err = c.http2.request("/grpc", idleMessage,
		hpack.HeaderField{Name: "content-type", Value: "application/grpc"}, hpack.HeaderField{Name: "te", Value: "trailers"})
	if err != nil {
		return err
	}
	return c.http2.await(len(idleMessage), 0)
}

func (c *idleClient) nextMessage() error { return c.http2.await(2*len(idleMessage), 0) }
