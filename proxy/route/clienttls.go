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
}

// HostTLS restricts the TLS of the clients of a host.
type HostTLS struct {
	Host string // as in Host.Name; "" for all hosts that have none
	TLS  ClientTLS
}

// Equal reports whether the same is allowed.
func (c ClientTLS) Equal(other ClientTLS) bool {
	return c.MinVersion == other.MinVersion && c.MaxVersion == other.MaxVersion && slices.Equal(c.Ciphers, other.Ciphers)
}

// Equal reports whether the same is allowed for the same host.
func (h HostTLS) Equal(other HostTLS) bool { return h.Host == other.Host && h.TLS.Equal(other.TLS) }

// text is the restrictions in one line.
func (c ClientTLS) text() string {
	var words []string
	if c.MinVersion != 0 {
		words = append(words, "from "+tls.VersionName(c.MinVersion))
	}
	if c.MaxVersion != 0 {
		words = append(words, "to "+tls.VersionName(c.MaxVersion))
	}
	if c.Ciphers != nil {
		words = append(words, "ciphers")
		for _, id := range c.Ciphers {
			words = append(words, tls.CipherSuiteName(id))
		}
	}
	return strings.Join(words, " ")
}

func (h HostTLS) text() string {
	host := h.Host
	if host == "" {
		host = "_"
	}
	return fmt.Sprintf("tls of %s %s", host, h.TLS.text())
}
