// Package fastcgi is the web server's side of FastCGI 1.0 (FastCGI Specification, Open Market, 1996): it writes requests as
// records, and reads replies as messages of HTTP/1.1. A connection serves one request.
package fastcgi

import "encoding/binary"

// Types of records (section 8).
const (
	typeBegin  = 1
	typeEnd    = 3
	typeParams = 4
	typeStdin  = 5
	typeStdout = 6
	typeStderr = 7
)

const (
	version = 1
	// request is the number of the only request of a connection.
	request = 1
	// responder is the role of an application that answers HTTP requests (section 6.2).
	responder = 1
	// headerSize is that of a record's header, maxContent the most bytes that may follow it.
	headerSize = 8
	maxContent = 1<<16 - 1
)

// AppendBegin appends the beginning of a request, after which the application closes the connection.
func AppendBegin(dst []byte) []byte {
	dst = appendHeader(dst, typeBegin, headerSize)
	return append(dst, 0, responder, 0, 0, 0, 0, 0, 0)
}

// AppendParams appends a request's parameters, which AppendPair has made, and their end.
func AppendParams(dst, pairs []byte) []byte {
	dst = appendStream(dst, typeParams, pairs)
	return appendHeader(dst, typeParams, 0)
}

// AppendPair appends a parameter (section 3.4).
func AppendPair(dst []byte, name, value string) []byte {
	dst = appendLength(dst, len(name))
	dst = appendLength(dst, len(value))
	dst = append(dst, name...)
	return append(dst, value...)
}

// AppendBody appends a piece of a request's body. An empty piece adds nothing.
func AppendBody(dst, piece []byte) []byte { return appendStream(dst, typeStdin, piece) }

// AppendBodyEnd appends the end of a request's body.
func AppendBodyEnd(dst []byte) []byte { return appendHeader(dst, typeStdin, 0) }

// BeginPair appends the beginning of a parameter, whose value is appended by the caller before EndPair.
func BeginPair(dst []byte, name string) (begun []byte, value int) {
	dst = appendLength(dst, len(name))
	dst = append(dst, 0, 0, 0, 0) // the length of the value
	dst = append(dst, name...)
	return dst, len(dst)
}

// EndPair ends a parameter of a name; value is where its value begins.
func EndPair(dst []byte, name string, value int) []byte {
	length := uint32(len(dst)-value) | 1<<31
	binary.BigEndian.PutUint32(dst[value-len(name)-4:], length)
	return dst
}

func appendStream(dst []byte, kind byte, content []byte) []byte {
	for len(content) > 0 {
		size := min(len(content), maxContent)
		dst = appendHeader(dst, kind, size)
		dst = append(dst, content[:size]...)
		content = content[size:]
	}
	return dst
}

func appendHeader(dst []byte, kind byte, size int) []byte {
	dst = append(dst, version, kind, 0, request)
	dst = binary.BigEndian.AppendUint16(dst, uint16(size))
	return append(dst, 0, 0)
}

// appendLength appends a length in one byte or, from 128, in four whose first bit is set.
func appendLength(dst []byte, length int) []byte {
	if length < 1<<7 {
		return append(dst, byte(length))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(length)|1<<31)
}
