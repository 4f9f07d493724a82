package message

import "github.com/ingress-testbed/testbed/proxy/quirk"

// interpret finds out what the fields of a request mean for its framing and its connection (RFC 9112 sections 3.2, 6,
// 7 and 9).
func (r *Request) interpret(reading *Reading) error {
	var hosts int
	var framing framing
	var upgrade, keepAlive, wantsUpgrade bool
	var protocol []byte
	if !validHost(r.Host) { // the target's
		return ErrHost
	}
	for i := range r.Fields {
		field := &r.Fields[i]
		switch field.Kind {
		case Other:
			continue
		case Host:
			hosts++
			if !reading.validHost(field.Value) {
				return ErrHost
			}
			r.takeHost(field.Value, reading.Quirks)
		case Connection:
			r.readConnection(field.Value, &keepAlive, &wantsUpgrade)
		case Upgrade:
			upgrade, protocol = true, field.Value
		case Expect:
			if err := r.readExpect(field); err != nil {
				return err
			}
		case TE:
			r.TakesTrailers = r.TakesTrailers || HasOption(field.Value, "trailers")
		case ContentLength, TransferEncoding:
			if err := framing.read(field); err != nil {
				return err
			}
		default: // it says nothing about the message itself
		}
	}
	if hosts > 1 || hosts == 0 && r.Minor >= 1 {
		return ErrHostCount
	}
	if upgrade && (wantsUpgrade || reading.Quirks.Has(quirk.LoneUpgrade)) && r.Minor >= 1 && !bypasses(protocol) {
		r.Upgrade, r.LoneUpgrade = protocol, !wantsUpgrade
	}
	return r.readFraming(&framing, keepAlive)
}

// takeHost takes the Host field for the host, unless the target names one.
func (r *Request) takeHost(value []byte, quirks quirk.Set) {
	switch {
	case r.Host == nil:
		r.Host = value
	case quirks.Has(quirk.HostField):
		r.HostField = value
	}
}

// readFraming sets the length of the body, and whether the connection ends after the request.
func (r *Request) readFraming(framing *framing, keepAlive bool) error {
	if r.Minor == 0 {
		r.Close = r.Close || !keepAlive
		if framing.chunked {
			return ErrTransferEncoding // RFC 9112 section 6.1: its framing is faulty
		}
	}
	var err error
	r.Length, r.Chunked, err = framing.length()
	return err
}

// readExpect reads an Expect field. HTTP/1.0 has none (RFC 9110 section 10.1.1): it must not reach an endpoint in a
// request of HTTP/1.1.
func (r *Request) readExpect(field *Field) error {
	if r.Minor == 0 {
		field.Kind = removed
		return nil
	}
	expects, err := parseExpect(field.Value)
	r.ExpectsContinue = r.ExpectsContinue || expects
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
