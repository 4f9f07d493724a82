// Package freeport reserves ports for tests.
package freeport

import (
	"net/netip"
	"testing"
)

// Reserve returns a TCP port on the loopback address, and keeps it free until the test ends: connections to it are refused until
// a listener opens it by its number, and no other socket gets it. A port that was chosen by listening on port 0, and then
// closed, can become the local port of any connection on the machine.
func Reserve(t testing.TB) netip.AddrPort {
	t.Helper()
	port, release, err := reserve()
	if err != nil {
		t.Fatalf("reserving a port: %v", err)
	}
	t.Cleanup(release)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}
