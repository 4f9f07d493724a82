package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// endpointKind is what endpoints speak.
type endpointKind string

const (
	http1Endpoints endpointKind = ""      // HTTP/1.1, by nginx
	http2Endpoints endpointKind = "http2" // HTTP/2 in plain text by prior knowledge
	grpcEndpoints  endpointKind = "grpc"  // the same, with a unary gRPC method
)

// grpcMessage is what unary calls send and get: not compressed, 20 bytes.
const grpcMessage = "\x00\x00\x00\x00\x14" + "\x0a\x12" + "a small message 18"

// serveEndpoints answers requests by HTTP/2 on some ports, at frame level and with as little work as it can be: replies
// are encoded once, and those to requests that came together leave together. What a request says is not read.
func serveEndpoints(ctx context.Context, kind endpointKind, ports []string) error {
	reply, err := newEndpointReply(kind)
	if err != nil {
		return err
	}
	failed := make(chan error, len(ports))
	for _, port := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			return err
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					failed <- err
					return
				}
				go func() {
					defer conn.Close()
					c := &endpointConn{reply: reply, in: bufio.NewReaderSize(conn, 16<<10), conn: conn, window: 65535}
					_ = c.serve() // it ends when the subject closes the connection
				}()
			}
		}()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// endpointReply is the reply to every request.
type endpointReply struct {
	header  []byte // HPACK, without the dynamic table
	data    []byte
	trailer []byte // HPACK; nil for none
}

func newEndpointReply(kind endpointKind) (endpointReply, error) {
	switch kind {
	case http2Endpoints:
		data := []byte(strings.Repeat("0123456789", 10))
		return endpointReply{data: data, header: encodeFields(
			hpack.HeaderField{Name: ":status", Value: "200"},
			hpack.HeaderField{Name: "server", Value: "bench"},
			hpack.HeaderField{Name: "date", Value: time.Now().UTC().Format(http.TimeFormat)},
			hpack.HeaderField{Name: "content-type", Value: "text/plain"},
			hpack.HeaderField{Name: "content-length", Value: strconv.Itoa(len(data))},
		)}, nil
	case grpcEndpoints:
		return endpointReply{
			header: encodeFields(
				hpack.HeaderField{Name: ":status", Value: "200"},
				hpack.HeaderField{Name: "content-type", Value: "application/grpc"},
			),
			data: []byte(grpcMessage),
			trailer: encodeFields(
				hpack.HeaderField{Name: "grpc-status", Value: "0"}, hpack.HeaderField{Name: "grpc-message"},
			),
		}, nil
	}
	return endpointReply{}, fmt.Errorf("unknown kind of endpoints %q", kind)
}

// encodeFields encodes fields without entries in the dynamic table, so that the block can be sent any number of times.
func encodeFields(fields ...hpack.HeaderField) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		field.Sensitive = true
		_ = encoder.WriteField(field) // a buffer takes everything
	}
	return block.Bytes()
}

// endpointConn is a connection from a subject.
type endpointConn struct {
	reply   endpointReply
	conn    net.Conn
	in      *bufio.Reader
	out     bytes.Buffer
	framer  *http2.Framer
	window  int      // that the subject grants the connection
	taken   uint32   // bytes of data that no window was given back for
	waiting []uint32 // streams whose replies wait for window
}

// serve answers requests until the connection fails. The window of a single stream is always larger than its reply.
func (c *endpointConn) serve() error {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c.in, preface); err != nil {
		return err
	}
	if string(preface) != http2.ClientPreface {
		return errors.New("the subject does not speak HTTP/2")
	}
	c.framer = http2.NewFramer(&c.out, c.in)
	c.framer.SetReuseFrames()
	if err := c.framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1000}); err != nil {
		return err
	}
	for {
		if c.in.Buffered() == 0 {
			if err := c.flush(); err != nil {
				return err
			}
		}
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		if err := c.handle(frame); err != nil {
			return err
		}
	}
}

func (c *endpointConn) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.HeadersFrame:
		if f.StreamEnded() {
			return c.answer(f.StreamID)
		}
	case *http2.DataFrame:
		c.taken += f.Length
		if c.taken >= 32<<10 {
			if err := c.framer.WriteWindowUpdate(0, c.taken); err != nil {
				return err
			}
			c.taken = 0
		}
		if f.StreamEnded() {
			return c.answer(f.StreamID)
		}
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return c.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return c.framer.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.window += int(f.Increment)
			waiting := c.waiting
			c.waiting = nil
			for _, stream := range waiting {
				if err := c.answer(stream); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// answer writes the reply to a stream, or remembers it until there is window.
func (c *endpointConn) answer(stream uint32) error {
	if c.window < len(c.reply.data) {
		c.waiting = append(c.waiting, stream)
		return nil
	}
	c.window -= len(c.reply.data)
	last := c.reply.trailer == nil
	header := http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.reply.header, EndHeaders: true}
	if err := c.framer.WriteHeaders(header); err != nil {
		return err
	}
	if err := c.framer.WriteData(stream, last, c.reply.data); err != nil || last {
		return err
	}
	return c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: c.reply.trailer, EndHeaders: true, EndStream: true,
	})
}

func (c *endpointConn) flush() error {
	if c.out.Len() == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out.Bytes())
	c.out.Reset()
	return err
}
