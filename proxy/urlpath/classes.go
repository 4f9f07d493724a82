package urlpath

// What a byte of a path means.
const (
	refused = iota
	plain   // pchar of RFC 3986 section 3.3, copied as it is
	slash
	percent
	encode // not allowed in a path, but harmless once it is encoded
)

//nolint:gochecknoglobals // tables that are never changed
var (
	classes    = pathClasses()
	unreserved = unreservedCharacters()
	unhex      = hexDigits()
)

func pathClasses() (table [256]uint8) {
	for c := 0x80; c < 0x100; c++ {
		table[c] = encode
	}
	for _, c := range []byte("\"<>[\\]^`{|}") {
		table[c] = encode
	}
	unreserved := unreservedCharacters()
	for c := range table {
		if unreserved[c] {
			table[c] = plain
		}
	}
	for _, c := range []byte("!$&'()*+,;=:@") { // sub-delims, ":" and "@"
		table[c] = plain
	}
	table['/'], table['%'] = slash, percent
	return table
}

// unreservedCharacters are those of RFC 3986 section 2.3.
func unreservedCharacters() (table [256]bool) {
	for c := range table {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		table[c] = letter || digit || c == '-' || c == '.' || c == '_' || c == '~'
	}
	return table
}

func hexDigits() (table [256]int8) {
	for c := range table {
		switch {
		case '0' <= c && c <= '9':
			table[c] = int8(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			table[c] = int8(c|0x20-'a') + 10
		default:
			table[c] = -1
		}
	}
	return table
}
