package http2

import (
	"bytes"
	"encoding/binary"

	xhttp2 "golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy/http2/frames"
	"github.com/ingress-testbed/testbed/proxy/message"
)

// begin adds a frame header; the caller adds length bytes. It reports false if the connection is closed.
func (o *output) begin(length int, kind xhttp2.FrameType, flags xhttp2.Flags, stream uint32) bool {
	if o.err != nil {
		return false
	}
	o.pending = frames.AppendHeader(o.pending, frames.Header{Length: length, Type: kind, Flags: flags, Stream: stream})
	return true
}

func (o *output) settings(settings ...xhttp2.Setting) {
	if o.begin(6*len(settings), xhttp2.FrameSettings, 0, 0) {
		for _, s := range settings {
			o.pending = binary.BigEndian.AppendUint16(o.pending, uint16(s.ID))
			o.pending = binary.BigEndian.AppendUint32(o.pending, s.Val)
		}
	}
}

func (o *output) acknowledgeSettings() { o.begin(0, xhttp2.FrameSettings, xhttp2.FlagSettingsAck, 0) }

// ping adds a PING; data is eight bytes.
func (o *output) ping(flags xhttp2.Flags, data string) {
	if o.begin(len(data), xhttp2.FramePing, flags, 0) {
		o.pending = append(o.pending, data...)
	}
}

func (o *output) goAway(lastStream uint32, code xhttp2.ErrCode) {
	if o.begin(8, xhttp2.FrameGoAway, 0, 0) {
		o.pending = binary.BigEndian.AppendUint32(o.pending, lastStream)
		o.pending = binary.BigEndian.AppendUint32(o.pending, uint32(code))
	}
}

func (o *output) resetStream(stream uint32, code xhttp2.ErrCode) {
	if o.begin(4, xhttp2.FrameRSTStream, 0, stream) {
		o.pending = binary.BigEndian.AppendUint32(o.pending, uint32(code))
	}
}

// windowUpdate announces an increment, unless it is 0. Stream 0 is the connection.
func (o *output) windowUpdate(stream, increment uint32) {
	if increment > 0 && o.begin(4, xhttp2.FrameWindowUpdate, 0, stream) {
		o.pending = binary.BigEndian.AppendUint32(o.pending, increment)
	}
}

func (o *output) data(stream uint32, data []byte, ends bool) {
	var flags xhttp2.Flags
	if ends {
		flags = xhttp2.FlagDataEndStream
	}
	if o.begin(len(data), xhttp2.FrameData, flags, stream) {
		o.pending = append(o.pending, data...)
	}
}

// tableState is the state of the client's dynamic table for headers of replies.
type tableState uint8

const (
	tableDefault tableState = iota
	tableReduced            // the client has reduced it, and must be sent a size update
	tableOff                // it has no entries, which nothing changes
)

// defaultTable is the initial size of the dynamic table, in bytes (RFC 9113 section 6.5.2).
const defaultTable = 4096

// limitTable handles SETTINGS_HEADER_TABLE_SIZE. The acknowledgement must precede the next header block.
func (o *output) limitTable(size uint32) {
	if size < defaultTable && o.table == tableDefault {
		o.table = tableReduced
	}
}

// header adds a HEADERS frame, and CONTINUATION frames if the client accepts no frame that is large enough. encode
// appends the header block.
func (o *output) header(stream uint32, ends bool, encode func([]byte) []byte) {
	start := len(o.pending)
	if !o.begin(0, xhttp2.FrameHeaders, 0, stream) {
		return
	}
	if o.table == tableReduced {
		o.pending = appendTableSizeUpdate(o.pending)
		o.table = tableOff
	}
	o.pending = encode(o.pending)
	o.pending = frames.EndHeaders(o.pending, start, stream, ends, o.maxFrame)
}

// appendForwarded appends the fields of an endpoint's reply that are forwarded; Content-Length only if length is set.
func appendForwarded(dst []byte, fields []message.Field, length bool) []byte {
	for i := range fields {
		field := &fields[i]
		if field.IsForwarded() && (length || field.Kind != message.ContentLength) {
			dst = frames.AppendField(dst, field.Name, field.Value)
		}
	}
	return dst
}

// appendTrailers appends the fields that may be forwarded in a trailer section.
func appendTrailers(dst []byte, fields []message.Field) []byte {
	for i := range fields {
		if fields[i].AllowedInTrailers() {
			dst = frames.AppendField(dst, fields[i].Name, fields[i].Value)
		}
	}
	return dst
}

// appendLines appends the proxy's own field lines, each "Name: value" and CR LF; Content-Length only if length is set.
func appendLines(dst, lines []byte, length bool) []byte {
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(": "))
		if length || !message.EqualFold(name, "content-length") {
			dst = frames.AppendField(dst, name, value)
		}
	}
	return dst
}

// appendTableSizeUpdate appends a dynamic table size update to 0 (RFC 7541 section 6.3).
func appendTableSizeUpdate(dst []byte) []byte { return append(dst, 0x20) }
