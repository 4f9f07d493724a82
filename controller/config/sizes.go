package config

import (
	"math"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// defaultBodySize is nginx's own client_max_body_size, 1 MiB.
const defaultBodySize = 1 << 20

func parseBodySize(r *setting.Reader, otherwise int64) int64 {
	const name = "proxy-body-size"
	text, given := r.Text(name)
	if !given {
		return otherwise
	}
	size, ok := parseSize(text)
	if !ok {
		r.Invalid(name, text, `it must be a number of bytes that may end in k, m or g, such as "8m"; "0" is no limit`)
		return otherwise
	}
	return size
}

// parseSize reads a size as nginx writes it: a number of bytes, or of kibi-, mebi- or gibibytes with the letter k, m
// or g in either case.
func parseSize(text string) (bytes int64, ok bool) {
	digits := strings.TrimRight(text, "kKmMgG")
	unit := int64(1)
	switch strings.ToLower(text[len(digits):]) {
	case "":
	case "k":
		unit = 1 << 10
	case "m":
		unit = 1 << 20
	case "g":
		unit = 1 << 30
	default:
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(number) > math.MaxInt64/unit {
		return 0, false
	}
	return int64(number) * unit, true
}

const (
	// The values of ingress-nginx: of large-client-header-buffers and of client-header-buffer-size.
	defaultHeaderBuffers = 4
	defaultHeaderBuffer  = 8 << 10
	firstHeaderBuffer    = 1 << 10
	// defaultReplyHeader is that of proxy-buffer-size.
	defaultReplyHeader = 4 << 10
	// mostHeaderBytes and mostHeaderFields bound what one request can make the proxy keep, where nginx has no limits.
	mostHeaderBytes  = 1 << 20
	mostHeaderFields = 1 << 10
)

// parseRequestHeaders reads the limits of requests' headers, which are the proxy's own unless ingress-nginx's are reproduced: there
// a line must fit into one of some buffers, and all of them together (https://nginx.org/r/large_client_header_buffers).
func parseRequestHeaders(r *setting.Reader, mode compatibility.Mode) route.HeaderLimits {
	const name = "large-client-header-buffers"
	text, given := r.Text(name)
	if !mode.Reproduces(compatibility.HeaderLimits) {
		return route.HeaderLimits{}
	}
	buffers, size := int64(defaultHeaderBuffers), int64(defaultHeaderBuffer)
	if given {
		number, bytes, valid := parseBuffers(text)
		if valid {
			buffers, size = number, bytes
		} else {
			r.Invalid(name, text, `it must be a number and a size, such as "4 8k"`)
		}
	}
	return route.HeaderLimits{
		Bytes: int(min(buffers*size, mostHeaderBytes)) + firstHeaderBuffer, Line: int(min(size, mostHeaderBytes)), Fields: mostHeaderFields,
	}
}

// parseBuffers reads a number and a size of buffers.
func parseBuffers(text string) (number, size int64, valid bool) {
	count, bytes, found := strings.Cut(text, " ")
	parsed, err := strconv.ParseUint(count, 10, 16)
	size, isSize := parseSize(strings.TrimSpace(bytes))
	if !found || err != nil || !isSize || parsed == 0 || size == 0 || size > mostHeaderBytes {
		return 0, 0, false
	}
	return int64(parsed), size, true
}

// parseReplyHeader reads the largest header of a reply in bytes, which is 0 unless ingress-nginx's limit is reproduced: there it
// is the size of the first buffer for a reply (https://nginx.org/r/proxy_buffer_size).
func parseReplyHeader(r *setting.Reader, mode compatibility.Mode, otherwise int) int {
	const name = "proxy-buffer-size"
	text, given := r.Text(name)
	if !mode.Reproduces(compatibility.ReplyHeaderSize) {
		return 0
	}
	if !given {
		return otherwise
	}
	size, valid := parseSize(text)
	if !valid || size == 0 || size > mostHeaderBytes {
		r.Invalid(name, text, `it must be a number of bytes that may end in k or m, such as "8k", and at most 1m`)
		return otherwise
	}
	return int(size)
}
