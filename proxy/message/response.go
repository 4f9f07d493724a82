package message

// Response is a reply's header.
type Response struct {
	// Status is a number of three digits from 100. Above 599 the class is unknown, and clients take it for 5xx (RFC 9110
	// section 15).
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
	Upgrade []byte // with 101 the protocol, with 426 a required one

	block []byte
}

// ErrStatusLine is the error of bytes that are not a reply of HTTP/1.
var ErrStatusLine = bad("the status line is malformed")

// Parse reads a header: head is everything up to and including the empty line. The Response keeps slices of head; its
// own slices are used again. Where a reply is accepted that RFC 9112 has a proxy correct (see the package comment),
// head is changed.
func (r *Response) Parse(head []byte, maxFields int) error {
	*r = Response{Fields: r.Fields[:0]}
	// "HTTP/1.1 200" and perhaps " OK": RFC 9112 section 4 requires the second space, but not all servers send it.
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
	if err != nil || end > 12 && head[12] != ' ' || r.Status < 100 {
		return ErrStatusLine
	}
	if end > 13 {
		r.Reason = head[13:end]
	}
	rest := head[end+2:]
	return r.parseBlock(rest[:len(rest)-2], maxFields)
}

// ParseFieldLines sets the response to one that has a status, but no status line, as over HTTP/2: block is its field
// lines, each with its CR LF.
func (r *Response) ParseFieldLines(status int, block []byte, maxFields int) error {
	*r = Response{Status: status, Minor: 1, Fields: r.Fields[:0]}
	if status < 100 || status > 999 {
		return ErrStatusLine
	}
	return r.parseBlock(block, maxFields)
}

func (r *Response) parseBlock(block []byte, maxFields int) (err error) {
	r.block = block
	if r.Fields, err = ParseReplyFields(r.Fields, block, maxFields); err != nil {
		return err
	}
	return r.interpret()
}

func (r *Response) interpret() error {
	framing := framing{reply: true}
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
		case ContentLength, TransferEncoding:
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
	if framing.lengths > 0 && (r.Status < 200 || r.Status == 204) {
		r.removeLength()
	}
	return err
}

// removeLength keeps Content-Length from being forwarded: replies with status 1xx and 204 must not have it (RFC 9110
// section 8.6). With 304, and in reply to HEAD, it is the length that the body would have.
func (r *Response) removeLength() {
	for i := range r.Fields {
		if r.Fields[i].Kind == ContentLength {
			r.Fields[i].Kind = removed
		}
	}
}

// ForgetLength is for a reply whose body is sent in another form: its length is not known.
func (r *Response) ForgetLength() {
	r.removeLength()
	r.Length = -1
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

// KeepNominated has the fields that Connection nominates forwarded (quirk.NominatedFields).
func (r *Response) KeepNominated() {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Kind == nominated {
			f.Kind = kindOf(f.Name)
		}
	}
}

// Size is that of the header in bytes, status line included, as over HTTP/1.1.
func (r *Response) Size() int {
	return len("HTTP/1.1 200 \r\n\r\n") + len(r.Reason) + len(r.block)
}

// HasBody reports whether a body follows the reply to a request with that method (RFC 9112 section 6.3).
func (r *Response) HasBody(method []byte) bool {
	never := r.Status < 200 || r.Status == 204 || r.Status == 304 || string(method) == "HEAD"
	return !never && r.Length != 0
}

// Value returns the value of the first field of a name that is given in lower case; nil if there is none, or if it was
// removed.
func (r *Response) Value(lower string) []byte {
	for i := range r.Fields {
		if f := &r.Fields[i]; !f.Kind.gone() && EqualFold(f.Name, lower) {
			return f.Value
		}
	}
	return nil
}

// Has reports whether there is a field of that kind that was not removed.
func (r *Response) Has(kind Kind) bool { return valueOf(r.Fields, kind) != nil }
