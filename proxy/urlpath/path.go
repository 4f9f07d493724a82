// Package urlpath normalises the path of a request target for endpoints (AppendNormal), and decodes it for the comparison
// with the paths of routes (AppendDecoded). The rules of AppendNormal, in order:
//
//  1. A path starts with "/" and holds no "#", no white space and no control character; anything else is refused.
//  2. A percent sign is followed by two hexadecimal digits, which are written in upper case; an encoded unreserved
//     character (RFC 3986 section 2.3) is decoded, every other stays encoded: "%7e" becomes "~", "%2f" becomes "%2F"
//     and is not a separator. An encoded NUL is refused.
//  3. A character that RFC 3986 does not allow in a path (a byte of raw UTF-8, one of "\"<>[\\]^`{|}") is
//     percent-encoded.
//  4. Dot segments are removed (RFC 3986 section 5.2.4), encoded ones too, because rule 2 comes first. A path that
//     would climb above the root is refused, as nginx does.
//  5. Empty segments are kept: they are significant in RFC 3986, and "/a//b" is not "/a/b".
//  6. Path parameters are opaque (RFC 3986 section 3.3): "..;" and "..;x=y" are segments like any other, not dot
//     segments, and so is "..%2F". There are endpoints that remove parameters before they look for dot segments: a
//     route for "/app" must not be all that protects "/admin" on the same endpoint.
//
// Rules 2 to 4 are RFC 3986 section 6.2.2. The result of normalising a normalised path is that path.
package urlpath

import "errors"

// Errors of AppendNormal. All of them are the client's: answer 400 (Bad Request, RFC 9110 section 15.5.1).
var (
	ErrNotAbsolute  = errors.New("the path does not start with a slash")
	ErrCharacter    = errors.New("the path holds a control character, white space or a fragment")
	ErrPercent      = errors.New("a percent sign is not followed by two hexadecimal digits, or encodes NUL")
	ErrAboveTheRoot = errors.New("the path climbs above the root")
)

const upperHex = "0123456789ABCDEF"

// AppendNormal appends the normalised form of path, which must not include the query, to dst. It allocates only when
// dst has too little room; the result is at most three times as long as path.
func AppendNormal[S ~string | ~[]byte](dst []byte, path S) ([]byte, error) {
	if len(path) == 0 || path[0] != '/' {
		return dst, ErrNotAbsolute
	}
	start := len(dst)
	var dots bool // whether some segment may be a dot segment
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch classes[c] {
		case plain:
		case slash:
			dots = dots || startsWithDot(path, i+1)
		case percent:
			if i+2 >= len(path) || unhex[path[i+1]] < 0 || unhex[path[i+2]] < 0 {
				return dst[:start], ErrPercent
			}
			c = byte(unhex[path[i+1]])<<4 | byte(unhex[path[i+2]])
			i += 2
			if c == 0 {
				return dst[:start], ErrPercent
			}
			if !unreserved[c] {
				dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
				continue
			}
		case encode:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			continue
		default:
			return dst[:start], ErrCharacter
		}
		dst = append(dst, c)
	}
	if !dots {
		return dst, nil
	}
	end, err := removeDotSegments(dst[start:])
	if err != nil {
		return dst[:start], err
	}
	return dst[:start+end], nil
}

// startsWithDot reports whether the segment at i starts with a dot, encoded or not.
func startsWithDot[S ~string | ~[]byte](path S, i int) bool {
	if i < len(path) && path[i] == '.' {
		return true
	}
	return i+2 < len(path) && path[i] == '%' && path[i+1] == '2' && path[i+2]|0x20 == 'e'
}

// removeDotSegments works in place on a path that starts with a slash, and returns its new length.
func removeDotSegments(path []byte) (int, error) {
	end := 0 // of what is kept; path[:end] never ends within a segment that is still to be read
	for i := 0; i < len(path); {
		next := i + 1
		for next < len(path) && path[next] != '/' {
			next++
		}
		segment := path[i+1 : next]
		last := next == len(path)
		switch {
		case len(segment) == 1 && segment[0] == '.':
			if last {
				path[end] = '/'
				end++
			}
		case len(segment) == 2 && segment[0] == '.' && segment[1] == '.':
			if end == 0 {
				return 0, ErrAboveTheRoot
			}
			for end--; path[end] != '/'; end-- {
			}
			if last {
				path[end] = '/'
				end++
			}
		default:
			end += copy(path[end:], path[i:next])
		}
		i = next
	}
	return end, nil
}
