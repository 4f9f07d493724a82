package config

import (
	"math"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
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
