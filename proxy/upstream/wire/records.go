package wire

// recordReader follows the boundaries of TLS records (RFC 8446 section 5.1) in what is read from a connection:
// crypto/tls keeps the beginning of a record to itself until the rest has come.
type recordReader struct {
	header [recordHeader]byte
	have   int // bytes of the header
	left   int // bytes of the record that are missing
}

const recordHeader = 5 // type, version and length

// follow takes note of bytes that were read.
func (r *recordReader) follow(p []byte) {
	for len(p) > 0 {
		if r.left > 0 {
			n := min(r.left, len(p))
			r.left -= n
			p = p[n:]
			continue
		}
		n := copy(r.header[r.have:], p)
		r.have += n
		p = p[n:]
		if r.have == recordHeader {
			r.have, r.left = 0, int(r.header[3])<<8|int(r.header[4])
		}
	}
}

// within reports whether a record has begun and not ended.
func (r *recordReader) within() bool { return r.have > 0 || r.left > 0 }
