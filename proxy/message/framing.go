package message

import "strconv"

// framing is how the length of a body is given.
type framing struct {
	lengths, codings int
	size             int64
	chunked          bool
	reply            bool // a length may be repeated
}

func (f *framing) read(field *Field) error {
	switch field.Kind {
	case ContentLength:
		return f.readLength(field)
	case TransferEncoding:
		return f.readCodings(field.Value)
	default: // it says nothing about the length
		return nil
	}
}

func (f *framing) readLength(field *Field) error {
	size, ok := ParseLength(field.Value)
	rewrite := ok && len(field.Value) > 1 && field.Value[0] == '0' // endpoints may take leading zeros for an octal number
	if !ok && f.reply {
		size, ok = repeatedLength(field.Value)
		rewrite = true
	}
	switch {
	case !ok:
		return ErrContentLength
	case f.lengths > 0 && f.reply && size == f.size:
		field.Kind = removed
		return nil
	case f.lengths > 0:
		return ErrContentLength
	}
	f.lengths++
	f.size = size
	if rewrite {
		field.setNumber(size)
	}
	return nil
}

func (f *framing) readCodings(list []byte) error {
	f.codings++
	if f.codings > 1 {
		return ErrTransferEncoding
	}
	unknown := false
	for coding, rest := nextOption(list); coding != nil || rest != nil; coding, rest = nextOption(rest) {
		switch {
		case len(coding) == 0: // of no meaning (RFC 9110 section 5.6.1)
		case f.chunked:
			return ErrTransferEncoding
		case EqualFold(coding, "chunked"):
			f.chunked = true
		default:
			unknown = true
		}
	}
	switch {
	case unknown:
		return ErrUnknownCoding
	case !f.chunked:
		return ErrTransferEncoding
	}
	return nil
}

func (f *framing) length() (size int64, chunked bool, err error) {
	switch {
	case f.lengths > 0 && f.codings > 0:
		return 0, false, ErrLengthTwice
	case f.chunked:
		return -1, true, nil
	}
	return f.size, false, nil
}

// ParseLength reads a number as Content-Length has it (RFC 9110 section 8.6): digits and nothing else, 18 of them at
// most, leading zeros apart.
func ParseLength(digits []byte) (n int64, ok bool) {
	if len(digits) == 0 {
		return 0, false
	}
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	if len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// repeatedLength reads a list of numbers that are the same (RFC 9110 section 8.6).
func repeatedLength(list []byte) (n int64, ok bool) {
	for option, rest := nextOption(list); option != nil || rest != nil; option, rest = nextOption(rest) {
		next, isNumber := ParseLength(option)
		if !isNumber || ok && next != n {
			return 0, false
		}
		n, ok = next, true
	}
	return n, ok
}

// setNumber writes n over the end of the value, in the message's own buffer, and spaces before it. The value must be at
// least as long as n.
func (f *Field) setNumber(n int64) {
	var buffer [20]byte
	text := strconv.AppendInt(buffer[:0], n, 10)
	start := len(f.Value) - len(text)
	for i := range start {
		f.Value[i] = ' '
	}
	copy(f.Value[start:], text)
	f.Value = f.Value[start:]
}
