package message

const (
	// keptFields is how many fields a message has room for after Release: more than nearly every one has. A Field is 64
	// bytes.
	keptFields = 48
	// keptBlock is how many bytes of field lines a message may still refer to after Release.
	keptBlock = 4 << 10
)

// Release drops what a large message refers to, so that its memory can be used for others while the connection is idle.
// The message must not be used any more. After a small one it does nothing, and costs nothing.
func (r *Request) Release() {
	if len(r.block) > keptBlock || cap(r.Fields) > keptFields {
		*r = Request{Fields: releaseFields(r.Fields)}
	}
}

// Release drops what a large message refers to, so that its memory can be used for others while the connection is idle.
// The message must not be used any more. After a small one it does nothing, and costs nothing.
func (r *Response) Release() {
	if len(r.block) > keptBlock || cap(r.Fields) > keptFields {
		*r = Response{Fields: releaseFields(r.Fields)}
	}
}

// releaseFields returns an empty slice that refers to no message.
func releaseFields(fields []Field) []Field {
	if cap(fields) > keptFields {
		return nil
	}
	clear(fields[:cap(fields)])
	return fields[:0]
}
