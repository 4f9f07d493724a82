package message

import "bytes"

// nextOption cuts the first element off a comma-separated list; both results are nil at its end. An empty element
// (RFC 9110 section 5.6.1) is empty, but not nil.
func nextOption(list []byte) (option, rest []byte) {
	if list == nil {
		return nil, nil
	}
	if comma := bytes.IndexByte(list, ','); comma >= 0 {
		return trimOWS(list[:comma]), list[comma+1:]
	}
	return trimOWS(list), nil
}

// HasOption reports whether a comma-separated list has the element, which is in lower case.
func HasOption(list []byte, lower string) bool {
	for option, rest := nextOption(list); option != nil || rest != nil; option, rest = nextOption(rest) {
		if EqualFold(option, lower) {
			return true
		}
	}
	return false
}

// nominate marks the fields of that name as hop-by-hop, unless the message would mean something else without them.
func nominate(fields []Field, name []byte) {
	for i := range fields {
		if f := &fields[i]; f.Kind.nominable() && bytes.EqualFold(f.Name, name) {
			f.Kind = nominated
		}
	}
}

// bypasses reports whether a list of protocols (RFC 9110 section 7.8) has one that carries further HTTP requests, which
// would not be routed: a version of HTTP, "h2c", or TLS (RFC 2817).
func bypasses(protocols []byte) bool {
	for option, rest := nextOption(protocols); option != nil || rest != nil; option, rest = nextOption(rest) {
		name, _, _ := bytes.Cut(option, []byte("/"))
		if EqualFold(name, "h2c") || EqualFold(name, "h2") || EqualFold(name, "http") || EqualFold(name, "tls") {
			return true
		}
	}
	return false
}

// parseExpect reads the list of an Expect field (RFC 9110 section 10.1.1). ErrExpectation is any expectation other than
// 100-continue.
func parseExpect(list []byte) (expectsContinue bool, err error) {
	for option, rest := nextOption(list); option != nil || rest != nil; option, rest = nextOption(rest) {
		switch {
		case len(option) == 0:
		case EqualFold(option, "100-continue"):
			expectsContinue = true
		default:
			return false, ErrExpectation
		}
	}
	return expectsContinue, nil
}
