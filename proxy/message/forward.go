package message

// AppendForwarded appends the request's field lines that are forwarded to an endpoint: all but those that are
// hop-by-hop, those that the proxy replaces, those that were removed, "Proxy", and names with underscores or other
// unusual characters that were not allowed.
func (r *Request) AppendForwarded(dst []byte) []byte {
	return appendRuns(dst, r.block, r.Fields, &forwardedInRequests)
}

// AppendForwarded appends the reply's field lines that are forwarded to a client over HTTP/1.1: all but those that
// are hop-by-hop or removed. A reply with status 426 keeps its Upgrade fields, and nominates them (RFC 9110 section
// 15.5.22).
func (r *Response) AppendForwarded(dst []byte) []byte {
	dst = appendRuns(dst, r.block, r.Fields, &forwardedInReplies)
	if r.Status == 426 && r.Upgrade != nil {
		dst = append(dst, "Connection: upgrade\r\n"...)
		dst = appendRuns(dst, r.block, r.Fields, &upgradeAlone)
	}
	return dst
}

// IsForwarded reports whether a reply's field is forwarded to a client over HTTP/2. (It has neither Connection nor Upgrade,
// not even with status 426: RFC 9113 section 8.2.2.)
func (f *Field) IsForwarded() bool { return forwardedInReplies[f.Kind] }

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

//nolint:gochecknoglobals // tables that are never changed
var (
	forwardedInRequests = keepKinds(func(k Kind) bool { return !k.HopByHop() && !k.suspect() && !k.Replaced() })
	forwardedInReplies  = keepKinds(func(k Kind) bool { return !k.HopByHop() })
	upgradeAlone        = keepKinds(func(k Kind) bool { return k == Upgrade })
)

func keepKinds(keep func(Kind) bool) (table [256]bool) {
	for kind := range table {
		table[kind] = keep(Kind(kind))
	}
	return table
}

// MaxForwards is how many more times an OPTIONS request may be forwarded (RFC 9110 section 7.6.2), the least if the
// client gives several numbers; -1 if the request has no limit. If it is 0, the proxy answers the request itself.
// With other methods than OPTIONS, as section 7.6.2 allows, and if it is not a number, the field is ignored.
func (r *Request) MaxForwards() int64 {
	limit := int64(-1)
	if string(r.Method) != "OPTIONS" {
		return limit
	}
	for i := range r.Fields {
		if n, ok := maxForwards(&r.Fields[i]); ok && (limit < 0 || n < limit) {
			limit = n
		}
	}
	return limit
}

// DecrementMaxForwards takes one from what MaxForwards returns, in the field that is forwarded. It must be called once
// for a request that is forwarded, however many endpoints it is sent to.
func (r *Request) DecrementMaxForwards() {
	limit := r.MaxForwards()
	if limit <= 0 {
		return
	}
	for i := range r.Fields {
		if _, ok := maxForwards(&r.Fields[i]); ok {
			r.Fields[i].setNumber(limit - 1)
		}
	}
}

func maxForwards(f *Field) (n int64, ok bool) {
	if f.Kind != MaxForwards {
		return 0, false
	}
	return ParseLength(f.Value)
}
