package message

import "bytes"

// interpret finds out what the fields of a request mean for its framing and its connection (RFC 9112 sections 3.2, 6,
// 7 and 9).
func (r *Request) interpret() error {
	var hosts int
	var framing framing
	var upgrade, keepAlive, wantsUpgrade bool
	var protocol, options []byte
	for i := range r.Fields {
		field := &r.Fields[i]
		switch field.Kind {
		case Other:
			continue
		case Host:
			hosts++
			if r.Host == nil {
				r.Host = field.Value
			}
		case Connection:
			options = field.Value
			r.readConnection(options, &keepAlive, &wantsUpgrade)
		case Upgrade:
			upgrade, protocol = true, field.Value
		case Expect:
			if !EqualFold(field.Value, "100-continue") {
				return ErrExpectation
			}
			r.ExpectsContinue = r.Minor >= 1
		case TE:
			r.TakesTrailers = r.TakesTrailers || HasOption(field.Value, "trailers")
		default:
			if err := framing.read(field); err != nil {
				return err
			}
		}
	}
	if hosts > 1 || hosts == 0 && r.Minor >= 1 {
		return ErrHostCount
	}
	if !validHost(r.Host) {
		return ErrHost
	}
	if r.Minor == 0 {
		r.Close = r.Close || !keepAlive
		if framing.chunked {
			return ErrTransferEncoding // RFC 9112 section 6.1: its framing is faulty
		}
	}
	// An upgrade to HTTP/2 would open a way past the proxy's rules; RFC 9113 section 3.1 has done away with it.
	if upgrade && wantsUpgrade && r.Minor >= 1 && !HasOption(protocol, "h2c") {
		r.Upgrade = protocol
	}
	var err error
	r.Length, r.Chunked, err = framing.length()
	return err
}

// readConnection reads one Connection field, and marks the fields that it nominates as hop-by-hop.
func (r *Request) readConnection(value []byte, keepAlive, upgrade *bool) {
	for option, rest := nextOption(value); option != nil || rest != nil; option, rest = nextOption(rest) {
		switch {
		case EqualFold(option, "close"):
			r.Close = true
		case EqualFold(option, "keep-alive"):
			*keepAlive = true
		case EqualFold(option, "upgrade"):
			*upgrade = true
		default:
			nominate(r.Fields, option)
		}
	}
}

// nominate marks the fields of that name, unless the message would mean something else without them.
func nominate(fields []Field, name []byte) {
	for i := range fields {
		f := &fields[i]
		if bytes.EqualFold(f.Name, name) && (f.Kind == Other || f.Kind == Referer || f.Kind == UserAgent) {
			f.Kind = nominated
		}
	}
}

// nextOption cuts the first element off a comma-separated list; both results are nil at its end.
func nextOption(list []byte) (option, rest []byte) {
	if list == nil {
		return nil, nil
	}
	if comma := bytes.IndexByte(list, ','); comma >= 0 {
		return trimOWS(list[:comma]), list[comma+1:]
	}
	return trimOWS(list), nil
}

// HasOption says whether a comma-separated list has the element, which is in lower case.
func HasOption(list []byte, lower string) bool {
	for option, rest := nextOption(list); option != nil || rest != nil; option, rest = nextOption(rest) {
		if EqualFold(option, lower) {
			return true
		}
	}
	return false
}

// framing is how the length of a body is given.
type framing struct {
	lengths, codings int
	size             int64
	chunked          bool
}

func (f *framing) read(field *Field) error {
	switch field.Kind {
	case ContentLength:
		f.lengths++
		size, ok := ParseLength(field.Value)
		if !ok || f.lengths > 1 {
			return ErrContentLength
		}
		f.size = size
	case TransferEncoding:
		f.codings++
		if f.codings > 1 {
			return ErrTransferEncoding
		}
		if !EqualFold(field.Value, "chunked") {
			if HasOption(field.Value, "chunked") || len(field.Value) == 0 {
				return ErrTransferEncoding
			}
			return ErrUnknownCoding
		}
		f.chunked = true
	default: // it says nothing about the length
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

// ParseLength reads a number as Content-Length has it: digits and nothing else.
func ParseLength(digits []byte) (n int64, ok bool) {
	if len(digits) == 0 || len(digits) > 18 {
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

// validHost checks the characters of uri-host [":" port] (RFC 3986 section 3.2.2), without user information. An empty
// host is valid; no rule but that of every host matches it.
func validHost(host []byte) bool {
	if len(host) == 0 {
		return true
	}
	port := host
	if host[0] == '[' {
		end := bytes.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		for _, c := range host[1:end] {
			isHex := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
			if !isHex && c != ':' && c != '.' {
				return false
			}
		}
		port = host[end+1:]
	} else {
		end := 0
		for end < len(host) && hostCharacters[host[end]] {
			end++
		}
		port = host[end:]
		if end == 0 {
			return false
		}
	}
	if len(port) == 0 {
		return true
	}
	for _, c := range port[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return port[0] == ':' && len(port) <= 6
}

// hostCharacters are those of reg-name without percent-encoding: names in the DNS have none, and an endpoint that decodes
// it sees another host than the one that was routed on.
//
//nolint:gochecknoglobals // a table that is never changed
var hostCharacters = func() (table [256]bool) {
	for c := range table {
		table[c] = '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
	}
	for _, c := range []byte("-._~!$&'()*+,;=") {
		table[c] = true
	}
	return table
}()
