package route

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// ClientTLS restricts the TLS of clients. The zero value leaves it to Go: TLS 1.2 and 1.3, and its strong ciphers.
type ClientTLS struct {
	// MinVersion and MaxVersion are versions of TLS as in crypto/tls; 0 is TLS 1.2, and the newest one.
	MinVersion, MaxVersion uint16
	// Ciphers of TLS 1.2 and older that are offered; nil leaves them to Go. Those of TLS 1.3 are always Go's.
	Ciphers []uint16
	// Curves of the key exchange that are offered, in no order; nil leaves them to Go.
	Curves []tls.CurveID
	// NoTickets sends no session tickets, so that sessions are never resumed.
	NoTickets bool
}

// HostTLS restricts the TLS of the clients of a host.
type HostTLS struct {
	Host string // as in Host.Name; "" for all hosts that have none
	TLS  ClientTLS
}

// Equal reports whether the same is allowed.
func (c ClientTLS) Equal(other ClientTLS) bool {
	return c.MinVersion == other.MinVersion && c.MaxVersion == other.MaxVersion && slices.Equal(c.Ciphers, other.Ciphers) &&
		slices.Equal(c.Curves, other.Curves) && c.NoTickets == other.NoTickets
}

// Equal reports whether the same is allowed for the same host.
func (h HostTLS) Equal(other HostTLS) bool { return h.Host == other.Host && h.TLS.Equal(other.TLS) }

// text is the restrictions in one line.
func (c ClientTLS) text() string {
	words := restrictions(c.MinVersion, c.MaxVersion, c.Ciphers)
	if c.Curves != nil {
		words = append(words, "curves")
		for _, curve := range c.Curves {
			words = append(words, curve.String())
		}
	}
	if c.NoTickets {
		words = append(words, "without tickets")
	}
	return strings.Join(words, " ")
}

// restrictions are the words for versions and ciphers.
func restrictions(oldest, newest uint16, ciphers []uint16) []string {
	var words []string
	if oldest != 0 {
		words = append(words, "from "+tls.VersionName(oldest))
	}
	if newest != 0 {
		words = append(words, "to "+tls.VersionName(newest))
	}
	if ciphers != nil {
		words = append(words, "ciphers")
		for _, id := range ciphers {
			words = append(words, tls.CipherSuiteName(id))
		}
	}
	return words
}

func (h HostTLS) text() string {
	host := h.Host
	if host == "" {
		host = "_"
	}
	return fmt.Sprintf("tls of %s %s", host, h.TLS.text())
}
