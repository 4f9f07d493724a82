package urlpath

// AppendDecoded appends what a path is compared as, the way nginx does it for its locations: every percent-encoded
// character is decoded, a slash included, a run of slashes is one, and dot segments are removed. Rules can't be evaded by
// writing a path in another way, then. It fails for paths that AppendNormal refuses, and for those that climb above the
// root once they are decoded. It allocates only when dst has too little room.
func AppendDecoded[S ~string | ~[]byte](dst []byte, path S) ([]byte, error) {
	if len(path) == 0 || path[0] != '/' {
		return dst, ErrNotAbsolute
	}
	start := len(dst)
	dots := false // whether some segment may be a dot segment
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch classes[c] {
		case refused:
			return dst[:start], ErrCharacter
		case percent:
			if i+2 >= len(path) || unhex[path[i+1]] < 0 || unhex[path[i+2]] < 0 {
				return dst[:start], ErrPercent
			}
			c = byte(unhex[path[i+1]])<<4 | byte(unhex[path[i+2]])
			i += 2
			if c == 0 {
				return dst[:start], ErrPercent
			}
		}
		after := len(dst) > start && dst[len(dst)-1] == '/'
		if c == '/' && after {
			continue
		}
		dots = dots || c == '.' && after
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

// AppendEncoded appends a decoded path as it is written in a request: what a path must not have, and the percent sign, is
// percent-encoded.
func AppendEncoded[S ~string | ~[]byte](dst []byte, decoded S) []byte {
	for i := 0; i < len(decoded); i++ {
		c := decoded[i]
		switch classes[c] {
		case plain, slash:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}
