package message

// Response is a reply's header.
type Response struct {
	Status int
	// Reason is what follows the status code; it may be empty.
	Reason []byte
	Minor  uint8
	Fields []Field

	// Length of the body in bytes; -1 if only its end will tell. It is what the header says: a reply to HEAD and
	// one with status 1xx, 204 or 304 has no body whatever its header says.
	Length  int64
	Chunked bool
	Close   bool   // the endpoint will close the connection
	Upgrade []byte // with 101

	block []byte
}

// ErrStatusLine is the error of a reply that is none.
var ErrStatusLine = bad("the status line is malformed")

// Parse reads a header: head is everything up to and including the empty line. The Response keeps slices of head; its
// own slices are used again.
func (r *Response) Parse(head []byte, maxFields int) error {
	*r = Response{Fields: r.Fields[:0]}
	// "HTTP/1.1 200" and perhaps " OK": RFC 9112 section 4 wants the second space, not all servers send it.
	if len(head) < 14 || string(head[:7]) != "HTTP/1." || head[7] < '0' || head[7] > '9' || head[8] != ' ' {
		return ErrStatusLine
	}
	r.Minor = head[7] - '0'
	for _, c := range head[9:12] {
		if c < '0' || c > '9' {
			return ErrStatusLine
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	end, err := lineEnd(head, 12)
	if err != nil || end > 12 && head[12] != ' ' || r.Status < 100 || r.Status > 599 {
		return ErrStatusLine
	}
	if end > 13 {
		r.Reason = head[13:end]
	}
	rest := head[end+2:]
	r.block = rest[:len(rest)-2]
	if r.Fields, err = ParseFields(r.Fields, r.block, maxFields); err != nil {
		return err
	}
	return r.interpret()
}

func (r *Response) interpret() error {
	var framing framing
	var keepAlive bool
	for i := range r.Fields {
		field := &r.Fields[i]
		switch field.Kind {
		case Other:
			continue
		case Connection:
			keepAlive = r.readConnection(field.Value) || keepAlive
		case Upgrade:
			r.Upgrade = field.Value
		case ContentLength:
			// Some servers repeat it; the same number twice is harmless where it can't be smuggled.
			if framing.lengths > 0 && string(field.Value) == string(r.contentLength()) {
				field.Kind = nominated
				continue
			}
			if err := framing.read(field); err != nil {
				return err
			}
		case TransferEncoding:
			if err := framing.read(field); err != nil {
				return err
			}
		default: // it says nothing about the message itself
		}
	}
	r.Close = r.Close || r.Minor == 0 && !keepAlive
	if r.Minor == 0 && framing.codings > 0 {
		return ErrTransferEncoding
	}
	length, chunked, err := framing.length()
	r.Length, r.Chunked = length, chunked
	if framing.lengths == 0 {
		r.Length = -1
	}
	return err
}

// readConnection reads one Connection field, and marks the fields that it nominates as hop-by-hop.
func (r *Response) readConnection(value []byte) (keepAlive bool) {
	for option, rest := nextOption(value); option != nil || rest != nil; option, rest = nextOption(rest) {
		switch {
		case EqualFold(option, "close"):
			r.Close = true
		case EqualFold(option, "keep-alive"):
			keepAlive = true
		case EqualFold(option, "upgrade"):
		default:
			nominate(r.Fields, option)
		}
	}
	return keepAlive
}

func (r *Response) contentLength() []byte {
	for i := range r.Fields {
		if r.Fields[i].Kind == ContentLength {
			return r.Fields[i].Value
		}
	}
	return nil
}

// HasBody says whether a body follows the reply to a request with that method (RFC 9112 section 6.3).
func (r *Response) HasBody(method []byte) bool {
	never := r.Status < 200 || r.Status == 204 || r.Status == 304 || string(method) == "HEAD"
	return !never && r.Length != 0
}

// Value returns the first field of a name that is given in lower case; nil if there is none.
func (r *Response) Value(lower string) []byte {
	for i := range r.Fields {
		if EqualFold(r.Fields[i].Name, lower) {
			return r.Fields[i].Value
		}
	}
	return nil
}

// appendRuns appends the lines of the fields of kept kinds, copying neighbours at once.
func appendRuns(dst, block []byte, fields []Field, keep *[256]bool) []byte {
	for i := 0; i < len(fields); {
		if !keep[fields[i].Kind] {
			i++
			continue
		}
		first := i
		for i++; i < len(fields) && keep[fields[i].Kind]; i++ {
		}
		dst = append(dst, block[fields[first].start:fields[i-1].end]...)
	}
	return dst
}

// AppendForwarded appends the request's field lines that are forwarded to a backend: all but those that are
// hop-by-hop and those that the proxy replaces.
func (r *Request) AppendForwarded(dst []byte) []byte {
	return appendRuns(dst, r.block, r.Fields, &forwardedInRequests)
}

// AppendForwarded appends the reply's field lines that are forwarded to a client. With hsts, the reply's own
// Strict-Transport-Security is left out.
func (r *Response) AppendForwarded(dst []byte, hsts bool) []byte {
	if hsts {
		return appendRuns(dst, r.block, r.Fields, &forwardedWithoutHSTS)
	}
	return appendRuns(dst, r.block, r.Fields, &forwardedInReplies)
}

// Forwarded says whether a reply's field is forwarded to a client.
func (f *Field) Forwarded(hsts bool) bool {
	if hsts {
		return forwardedWithoutHSTS[f.Kind]
	}
	return forwardedInReplies[f.Kind]
}

//nolint:gochecknoglobals // tables that are never changed
var (
	forwardedInRequests  = forwarded(func(k Kind) bool { return !k.HopByHop() && !k.Replaced() })
	forwardedInReplies   = forwarded(func(k Kind) bool { return !k.HopByHop() })
	forwardedWithoutHSTS = forwarded(func(k Kind) bool { return !k.HopByHop() && k != StrictTransportSecurity })
)

func forwarded(keep func(Kind) bool) (table [256]bool) {
	for kind := range table {
		table[kind] = keep(Kind(kind))
	}
	return table
}

// AllowedInTrailers says whether a field of a trailer section may be forwarded (RFC 9110 section 6.5.1): none that
// belongs to framing, routing or the connection.
func (f *Field) AllowedInTrailers() bool { return f.Kind == Other }
