package http2

import (
	"encoding/binary"

	xhttp2 "golang.org/x/net/http2"
)

const frameHeaderSize = 9

// appendFrameHeader appends the nine bytes that begin a frame (RFC 9113 section 4.1).
func appendFrameHeader(dst []byte, length int, kind xhttp2.FrameType, flags xhttp2.Flags, stream uint32) []byte {
	dst = append(dst, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags))
	return binary.BigEndian.AppendUint32(dst, stream)
}

// begin adds a frame header; the caller adds length bytes. It reports false if the connection is closed.
func (o *output) begin(length int, kind xhttp2.FrameType, flags xhttp2.Flags, stream uint32) bool {
	if o.err != nil {
		return false
	}
	o.pending = appendFrameHeader(o.pending, length, kind, flags, stream)
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

// tableState is what the client knows about the dynamic table for headers of replies.
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
	var flags xhttp2.Flags
	if ends {
		flags = xhttp2.FlagHeadersEndStream
	}
	size := len(o.pending) - start - frameHeaderSize
	if size <= o.maxFrame {
		appendFrameHeader(o.pending[:start], size, xhttp2.FrameHeaders, flags|xhttp2.FlagHeadersEndHeaders, stream)
		return
	}
	block := append([]byte(nil), o.pending[start+frameHeaderSize:]...)
	o.pending = o.pending[:start]
	for kind := xhttp2.FrameHeaders; len(block) > 0; kind = xhttp2.FrameContinuation {
		n := min(len(block), o.maxFrame)
		if n == len(block) {
			flags |= xhttp2.FlagHeadersEndHeaders // the same bit in both types
		}
		o.pending = append(appendFrameHeader(o.pending, n, kind, flags, stream), block[:n]...)
		block, flags = block[n:], 0
	}
}
