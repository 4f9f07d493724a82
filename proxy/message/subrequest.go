package message

// Subrequest sets to a request of the proxy's own, in the name of the client: it has the client's header, but another
// method, and neither body nor upgrade. It keeps slices of the request; its own Fields are used again. The target is
// left to the caller.
func (r *Request) Subrequest(to *Request, method []byte) {
	fields := append(to.Fields[:0], r.Fields...)
	*to = *r
	to.Fields, to.Method, to.Scheme = fields, method, nil
	to.Query, to.HasQuery = nil, false
	to.Length, to.Chunked, to.Upgrade, to.ExpectsContinue, to.TakesTrailers = 0, false, nil, false, false
	for i := range to.Fields {
		switch field := &to.Fields[i]; field.Kind {
		case ContentLength, Expect, MaxForwards, Trailer:
			field.Kind = removed
		default:
		}
	}
}
