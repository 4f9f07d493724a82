package forwarded

import (
	"net/netip"
	"strconv"
)

// Connection is what is known about a client's connection.
type Connection struct {
	Sender netip.Addr
	Scheme string // "http" or "https"
	Port   uint16 // that the world sees
	// lines are the field lines of all requests whose sender says nothing that is believed.
	lines []byte
}

// NewConnection describes a connection; see Settings.Sender.
func NewConnection(sender netip.Addr, scheme string, port uint16) *Connection {
	c := &Connection{Sender: plain(sender), Scheme: scheme, Port: port}
	c.lines = appendAddress(nil, "X-Real-IP: ", c.Sender)
	c.lines = appendAddress(c.lines, "X-Forwarded-For: ", c.Sender)
	c.lines = appendAccess(c.lines, port, scheme)
	return c
}

func appendAddress(dst []byte, name string, address netip.Addr) []byte {
	dst = append(dst, name...)
	dst = address.AppendTo(dst)
	return append(dst, '\r', '\n')
}

// appendAccess appends the field lines that say how the client has connected.
func appendAccess(dst []byte, port uint16, scheme string) []byte {
	dst = append(dst, "X-Forwarded-Port: "...)
	dst = strconv.AppendUint(dst, uint64(port), 10)
	dst = append(dst, "\r\nX-Forwarded-Proto: "...)
	dst = append(dst, scheme...)
	dst = append(dst, "\r\nX-Forwarded-Scheme: "...)
	dst = append(dst, scheme...)
	dst = append(dst, "\r\nX-Scheme: "...)
	dst = append(dst, scheme...)
	return append(dst, '\r', '\n')
}
