package message

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
