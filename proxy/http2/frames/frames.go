// Package frames writes and reads frames of HTTP/2 (RFC 9113 section 4) and their field sections (HPACK, RFC 7541) for
// both sides of the proxy, without allocating.
package frames

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// HeaderSize is the number of bytes that a frame begins with.
const HeaderSize = 9

// Header is the beginning of a frame.
type Header struct {
	Length int // of the payload, in bytes
	Type   http2.FrameType
	Flags  http2.Flags
	Stream uint32
}

// ParseHeader reads the beginning of a frame: at least HeaderSize bytes.
func ParseHeader(p []byte) Header {
	return Header{
		Length: int(p[0])<<16 | int(p[1])<<8 | int(p[2]),
		Type:   http2.FrameType(p[3]), Flags: http2.Flags(p[4]),
		Stream: binary.BigEndian.Uint32(p[5:]) & (1<<31 - 1),
	}
}

// AppendHeader appends the beginning of a frame.
func AppendHeader(dst []byte, h Header) []byte {
	dst = append(dst, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), byte(h.Flags))
	return binary.BigEndian.AppendUint32(dst, h.Stream)
}

// AppendSettings appends a SETTINGS frame.
func AppendSettings(dst []byte, settings ...http2.Setting) []byte {
	dst = AppendHeader(dst, Header{Length: 6 * len(settings), Type: http2.FrameSettings})
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.ID))
		dst = binary.BigEndian.AppendUint32(dst, s.Val)
	}
	return dst
}

// AppendSettingsAck appends the acknowledgement of SETTINGS.
func AppendSettingsAck(dst []byte) []byte {
	return AppendHeader(dst, Header{Type: http2.FrameSettings, Flags: http2.FlagSettingsAck})
}

// AppendWindowUpdate appends a WINDOW_UPDATE frame.
func AppendWindowUpdate(dst []byte, stream, increment uint32) []byte {
	dst = AppendHeader(dst, Header{Length: 4, Type: http2.FrameWindowUpdate, Stream: stream})
	return binary.BigEndian.AppendUint32(dst, increment)
}

// AppendReset appends a RST_STREAM frame.
func AppendReset(dst []byte, stream uint32, code http2.ErrCode) []byte {
	dst = AppendHeader(dst, Header{Length: 4, Type: http2.FrameRSTStream, Stream: stream})
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

// AppendPing appends a PING frame; data is eight bytes.
func AppendPing(dst []byte, ack bool, data []byte) []byte {
	var flags http2.Flags
	if ack {
		flags = http2.FlagPingAck
	}
	dst = AppendHeader(dst, Header{Length: len(data), Type: http2.FramePing, Flags: flags})
	return append(dst, data...)
}

// AppendData appends a DATA frame.
func AppendData(dst []byte, stream uint32, data []byte, ends bool) []byte {
	var flags http2.Flags
	if ends {
		flags = http2.FlagDataEndStream
	}
	dst = AppendHeader(dst, Header{Length: len(data), Type: http2.FrameData, Flags: flags, Stream: stream})
	return append(dst, data...)
}

// EndHeaders makes a HEADERS frame of the field block that was appended to dst behind HeaderSize bytes, which begin at
// start. A block larger than maxFrame is continued in CONTINUATION frames.
func EndHeaders(dst []byte, start int, stream uint32, ends bool, maxFrame int) []byte {
	var flags http2.Flags
	if ends {
		flags = http2.FlagHeadersEndStream
	}
	size := len(dst) - start - HeaderSize
	if size <= maxFrame {
		AppendHeader(dst[:start], Header{
			Length: size, Type: http2.FrameHeaders, Flags: flags | http2.FlagHeadersEndHeaders, Stream: stream,
		})
		return dst
	}
	block := append([]byte(nil), dst[start+HeaderSize:]...)
	dst = dst[:start]
	for kind := http2.FrameHeaders; len(block) > 0; kind = http2.FrameContinuation {
		n := min(len(block), maxFrame)
		if n == len(block) {
			flags |= http2.FlagHeadersEndHeaders // the same bit in both kinds
		}
		dst = AppendHeader(dst, Header{Length: n, Type: kind, Flags: flags, Stream: stream})
		dst = append(dst, block[:n]...)
		block, flags = block[n:], 0
	}
	return dst
}
