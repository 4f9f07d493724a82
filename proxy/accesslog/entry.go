// Package accesslog writes a line for each request, a JSON object or in a format of nginx, without allocating and in few
// writes.
package accesslog

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// Entry is one request. Fields that are empty or zero are left out, except those that every request has.
type Entry struct {
	Time      time.Time     // when the request's header was complete
	Duration  time.Duration // until the last byte of the reply was handed to the kernel
	Client    netip.Addr    // the peer, or the address in a trusted X-Forwarded-For
	Scheme    string        // "http" or "https"
	Protocol  string        // "HTTP/1.1"
	Method    string
	Host      string // as the client wrote it
	Path      string // as it was routed on
	Query     string // without the question mark
	Status    int
	BytesIn   int64 // of the request's body
	BytesOut  int64 // of the reply's body
	RequestID string
	UserAgent string
	Referer   string
	// Upstream is the backend's upstream, Endpoint the address that answered, Attempts the number of endpoints tried.
	Upstream string
	Endpoint string
	Attempts int
	// UpstreamTime is from choosing the endpoint to the end of the reply's header.
	UpstreamTime time.Duration
	// Error is the reason for a local reply.
	Error string

	// What follows is for formats with variables, and not in the JSON object. Namespace and Ingress are those of the route,
	// Service and ServicePort those of the backend.
	Namespace, Ingress, Service, ServicePort string
	Request                                  *message.Request // as it was received; it may be nil
}

// appendJSON appends the entry and a line feed.
func (e *Entry) appendJSON(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = e.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, `","client":"`...)
	b = e.Client.AppendTo(b)
	b = append(b, '"')
	b = appendString(b, "scheme", e.Scheme)
	b = appendString(b, "protocol", e.Protocol)
	b = appendString(b, "method", e.Method)
	b = appendString(b, "host", e.Host)
	b = appendString(b, "path", e.Path)
	b = appendString(b, "query", e.Query)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, `,"bytes_in":`...)
	b = strconv.AppendInt(b, e.BytesIn, 10)
	b = append(b, `,"bytes_out":`...)
	b = strconv.AppendInt(b, e.BytesOut, 10)
	b = append(b, `,"seconds":`...)
	b = appendSeconds(b, e.Duration)
	b = appendString(b, "request_id", e.RequestID)
	b = appendString(b, "user_agent", e.UserAgent)
	b = appendString(b, "referer", e.Referer)
	b = appendString(b, "upstream", e.Upstream)
	if e.Endpoint != "" {
		b = appendString(b, "endpoint", e.Endpoint)
		b = append(b, `,"attempts":`...)
		b = strconv.AppendInt(b, int64(e.Attempts), 10)
		b = append(b, `,"upstream_seconds":`...)
		b = appendSeconds(b, e.UpstreamTime)
	}
	b = appendString(b, "error", e.Error)
	return append(b, "}\n"...)
}

// appendSeconds writes with microseconds, and without the cost of formatting a floating-point number.
func appendSeconds(b []byte, d time.Duration) []byte {
	micros := max(d.Microseconds(), 0)
	b = strconv.AppendInt(b, micros/1e6, 10)
	b = append(b, '.')
	for fraction, unit := micros%1e6, int64(1e5); unit > 0; unit /= 10 {
		b = append(b, byte('0'+fraction/unit%10))
	}
	return b
}

// appendString writes a member, unless its value is empty. What comes from a client may be any bytes: those that are
// not UTF-8 become U+FFFD, as in encoding/json.
func appendString(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":"`...)
	start := 0
	for i := 0; i < len(value); {
		c := value[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(value[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, value[start:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= utf8.RuneSelf:
			b = append(b, `\ufffd`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i += size
		start = i
	}
	b = append(b, value[start:]...)
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"
