// Package proxyprotocol reads the header of the PROXY protocol, versions 1 and 2, by which a load balancer that
// forwards bytes says whose connection it forwards (haproxy.org, "The PROXY protocol").
//
// The header is read exactly: not one byte of what follows is taken from the connection, so that TLS or HTTP can be
// spoken on the same net.Conn afterwards, whatever its type.
package proxyprotocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// Header is what the header says of the forwarded connection. Both addresses are zero if it says nothing: the
// connection is the proxy's own (LOCAL, a health check for example), or its addresses are unknown, or are not those of
// TCP. The addresses of the connection itself then apply.
type Header struct {
	Source, Destination netip.AddrPort
}

// Errors of headers.
var (
	ErrNoHeader = errors.New("the connection does not begin with a PROXY protocol header")
	ErrTooLong  = errors.New("the PROXY protocol header is too long")
)

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"

	// longest1 is the length of the longest header of version 1, its CR LF included (section 2.1).
	longest1 = 107
	// fixed2 is the length of the part of version 2 that comes before addresses and TLVs (section 2.2).
	fixed2 = 16
	// longest2 is how long addresses and TLVs may be: a Unix address takes 216 bytes, a client certificate in a TLV
	// one or two kibibytes.
	longest2 = 4 << 10
)

// Read reads a header from the start of a connection, within timeout. It leaves the connection without a read deadline.
// The error is ErrNoHeader or ErrTooLong, one of the connection, or says what is wrong with the header; the connection
// is of no use then.
func Read(conn net.Conn, timeout time.Duration) (Header, error) {
	if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return Header{}, fmt.Errorf("setting the time-out of the PROXY protocol header: %w", err)
	}
	raw, err := readRaw(conn)
	if err != nil {
		return Header{}, fmt.Errorf("reading the PROXY protocol header: %w", err)
	}
	header, err := parse(raw)
	if err != nil {
		return Header{}, err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return Header{}, fmt.Errorf("ending the time-out of the PROXY protocol header: %w", err)
	}
	return header, nil
}

// readRaw returns the bytes of the header.
func readRaw(r io.Reader) ([]byte, error) {
	// Both versions are longer than the second's signature.
	raw := make([]byte, len(signature2), longest1)
	for read := 0; read < len(raw); {
		n, err := r.Read(raw[read:])
		read += n
		if !isStart(raw[:read]) {
			return nil, ErrNoHeader
		}
		if err != nil && read < len(raw) {
			return nil, unexpected(err)
		}
	}
	if string(raw) == signature2 {
		return readRest2(r, raw)
	}
	return readRest1(r, raw)
}

// isStart reports whether a header may begin with these bytes.
func isStart(text []byte) bool {
	has := func(signature string) bool {
		n := min(len(text), len(signature))
		return string(text[:n]) == signature[:n]
	}
	return has(signature1) || has(signature2)
}

// readRest1 reads a line to its end, byte by byte because only its last byte tells that it is the last.
func readRest1(r io.Reader, raw []byte) ([]byte, error) {
	for raw[len(raw)-1] != '\n' {
		n := len(raw)
		if n == longest1 {
			return nil, ErrTooLong
		}
		raw = raw[:n+1]
		if _, err := io.ReadFull(r, raw[n:]); err != nil {
			return nil, unexpected(err)
		}
	}
	return raw, nil
}

// readRest2 reads as many bytes as the header says.
func readRest2(r io.Reader, raw []byte) ([]byte, error) {
	raw = raw[:fixed2] //nolint:gosec // there is room for the longest header of version 1
	if _, err := io.ReadFull(r, raw[len(signature2):]); err != nil {
		return nil, unexpected(err)
	}
	length := int(binary.BigEndian.Uint16(raw[fixed2-2:])) //nolint:gosec // as above
	if length > longest2 {
		return nil, ErrTooLong
	}
	whole := make([]byte, fixed2+length)
	copy(whole, raw)
	if _, err := io.ReadFull(r, whole[fixed2:]); err != nil {
		return nil, unexpected(err)
	}
	return whole, nil
}

// unexpected makes the end of the connection an error that says so.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parse reads a header that is complete, with nothing after it.
func parse(raw []byte) (Header, error) {
	if isUnspecified(raw) {
		return Header{}, nil
	}
	header, err := proxyproto.Read(bufio.NewReaderSize(bytes.NewReader(raw), max(len(raw), longest1)))
	if err != nil {
		return Header{}, fmt.Errorf("the PROXY protocol header is malformed: %w", err)
	}
	source, destination, isTCP := header.TCPAddrs()
	if !isTCP || header.Command.IsLocal() {
		return Header{}, nil
	}
	return Header{Source: unmap(source), Destination: unmap(destination)}, nil
}

// isUnspecified reports whether a header of version 2 forwards a connection of an unspecified protocol. Section 2.2
// lets the receiver use the connection's own addresses then, as nginx does; the library refuses it.
func isUnspecified(raw []byte) bool {
	const proxyCommand, unspecified = 0x21, 0x00
	return len(raw) >= fixed2 && string(raw[:len(signature2)]) == signature2 &&
		raw[12] == proxyCommand && raw[13] == unspecified
}

func unmap(address *net.TCPAddr) netip.AddrPort {
	mapped := address.AddrPort()
	return netip.AddrPortFrom(mapped.Addr().Unmap(), mapped.Port())
}
