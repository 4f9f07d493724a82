package message

import (
	"encoding/binary"
	"math/bits"
)

// Field is one header field line.
type Field struct {
	Name, Value []byte
	Kind        Kind
	// start and end of the line, its CR LF included, in the block that it was parsed from: lines that are forwarded
	// unchanged are copied in runs.
	start, end int32
}

// Error is why a message is refused.
type Error struct {
	Status int // for the client, if the message was a request
	Reason string
}

func (e *Error) Error() string { return e.Reason }

func bad(reason string) *Error { return &Error{Status: 400, Reason: reason} }

// Errors of field lines.
var (
	ErrTooManyFields = &Error{Status: 431, Reason: "too many header fields"}
	ErrFieldName     = bad("a field name is empty, folded, or holds a character that is not allowed")
	ErrFieldValue    = bad("a field value holds a control character")
	ErrLineEnd       = bad("a line does not end in CR LF")
)

// ParseFields appends the fields of block to dst: those of a request, or of the trailer section of a request. The block
// is complete lines, each with its CR LF, without the empty line at the end. More than limit fields are
// ErrTooManyFields.
func ParseFields(dst []Field, block []byte, limit int) ([]Field, error) {
	return parseFields(dst, block, limit, false)
}

// ParseReplyFields is ParseFields for replies: white space between a name and its colon is accepted (RFC 9112 section
// 5.1) and moved behind the colon, in block itself; names with underscores or other rare characters have no kind of
// their own, because they are forwarded.
func ParseReplyFields(dst []Field, block []byte, limit int) ([]Field, error) {
	return parseFields(dst, block, limit, true)
}

func parseFields(dst []Field, block []byte, limit int, reply bool) ([]Field, error) {
	for pos := 0; pos < len(block); {
		if len(dst) >= limit {
			return dst, ErrTooManyFields
		}
		start := pos
		var classes uint8
		for pos < len(block) {
			class := nameCharacters[block[pos]]
			if class == 0 {
				break
			}
			classes |= class
			pos++
		}
		if reply && pos < len(block) && block[pos] != ':' {
			moveColon(block, pos)
		}
		if pos == start || pos == len(block) || block[pos] != ':' {
			return dst, ErrFieldName
		}
		name := block[start:pos]
		end, err := lineEnd(block, pos+1)
		if err != nil {
			return dst, err
		}
		kind := Other
		switch {
		case classes == usualCharacter:
			kind = kindOf(name)
		case !reply:
			kind = suspectKind(classes)
		}
		dst = append(dst, Field{
			Name: name, Value: trimOWS(block[pos+1 : end]), Kind: kind,
			start: int32(start), end: int32(end + 2),
		})
		pos = end + 2
	}
	return dst, nil
}

// moveColon moves a colon that follows white space at pos to pos.
func moveColon(block []byte, pos int) {
	colon := pos
	for colon < len(block) && (block[colon] == ' ' || block[colon] == '\t') {
		colon++
	}
	if colon < len(block) && block[colon] == ':' {
		block[pos], block[colon] = ':', ' '
	}
}

// suspectKind is the kind of a name that has characters other than letters, digits and hyphens.
func suspectKind(classes uint8) Kind {
	if classes&rareCharacter != 0 {
		return Unusual
	}
	return Underscored
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// lineEnd returns the index of the CR that ends the line, and refuses every other control character but HTAB. It
// looks at eight bytes at once.
func lineEnd(block []byte, pos int) (int, error) {
	for {
		for pos+8 <= len(block) {
			word := binary.LittleEndian.Uint64(block[pos:])
			deletes := word ^ (0x7f * ones)
			// The lowest bit that is set belongs to the first byte that is below 0x20 or is 0x7f.
			found := ((word-0x20*ones)&^word | (deletes-ones)&^deletes) & highs
			if found != 0 {
				pos += bits.TrailingZeros64(found) / 8
				break
			}
			pos += 8
		}
		for pos < len(block) && block[pos] >= 0x20 && block[pos] != 0x7f {
			pos++
		}
		switch {
		case pos >= len(block):
			return 0, ErrLineEnd
		case block[pos] == '\t':
			pos++
		case block[pos] == '\r' && pos+1 < len(block) && block[pos+1] == '\n':
			return pos, nil
		case block[pos] == '\r' || block[pos] == '\n':
			return 0, ErrLineEnd
		default:
			return 0, ErrFieldValue
		}
	}
}

// trimOWS removes optional white space (RFC 9110 section 5.6.3) from both ends.
func trimOWS(value []byte) []byte {
	for len(value) > 0 && (value[0] == ' ' || value[0] == '\t') {
		value = value[1:]
	}
	for n := len(value); n > 0 && (value[n-1] == ' ' || value[n-1] == '\t'); n-- {
		value = value[:n-1]
	}
	return value
}

// IsToken reports whether text is a token (RFC 9110 section 5.6.2).
func IsToken(text []byte) bool {
	for _, c := range text {
		if nameCharacters[c] == 0 {
			return false
		}
	}
	return len(text) > 0
}

// Classes of the characters of a token, as bits. Every character of a token has the first.
const (
	usualCharacter      = 1 << iota // alone: a letter, a digit or a hyphen
	underscoreCharacter             // "_"
	rareCharacter                   // any other that RFC 9110 allows in names, such as "."
)

//nolint:gochecknoglobals // a table that is never changed
var nameCharacters = func() (table [256]uint8) {
	for _, c := range []byte("!#$%&'*+.^`|~") {
		table[c] = usualCharacter | rareCharacter
	}
	for c := range table {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80 || c == '-' {
			table[c] = usualCharacter
		}
	}
	table['_'] = usualCharacter | underscoreCharacter
	return table
}()

// IsTokenCharacter reports whether a token may have this character.
func IsTokenCharacter(c byte) bool { return nameCharacters[c] != 0 }
