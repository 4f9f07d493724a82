package message

// removable reports whether the message stays the same message without fields of that kind. Content-Length belongs to
// its framing; hop-by-hop fields are not forwarded anyway, and some still say how the message is handled.
func (k Kind) removable() bool { return !k.HopByHop() && k != ContentLength }

func removeKind(fields []Field, kind Kind) {
	if !kind.removable() {
		return
	}
	for i := range fields {
		if fields[i].Kind == kind {
			fields[i].Kind = removed
		}
	}
}

func removeName(fields []Field, lower string) {
	for i := range fields {
		if f := &fields[i]; f.Kind.removable() && EqualFold(f.Name, lower) {
			f.Kind = removed
		}
	}
}

// Remove keeps fields of that kind from being forwarded and from being found. Content-Length and hop-by-hop fields stay
// as they are.
func (r *Request) Remove(kind Kind) { removeKind(r.Fields, kind) }

// RemoveName is Remove for fields of a name in lower case.
func (r *Request) RemoveName(lower string) { removeName(r.Fields, lower) }

// Remove keeps fields of that kind from being forwarded and from being found. Content-Length and hop-by-hop fields stay
// as they are.
func (r *Response) Remove(kind Kind) { removeKind(r.Fields, kind) }

// RemoveName is Remove for fields of a name in lower case.
func (r *Response) RemoveName(lower string) { removeName(r.Fields, lower) }

// RemoveForwarding removes what the client says about itself, or about the URL that it has asked for, in other fields
// than the proxy replaces: Forwarded (RFC 7239), X-Forwarded-Prefix, X-Forwarded-Ssl, True-Client-IP and the like. It
// is for clients that are not trusted to be a proxy.
func (r *Request) RemoveForwarding() {
	for i := range r.Fields {
		if r.Fields[i].Kind.ClientIdentity() {
			r.Fields[i].Kind = removed
		}
	}
}

// AllowUnderscores has fields whose names hold an underscore forwarded and found, as ingress-nginx does with
// enable-underscores-in-headers.
func (r *Request) AllowUnderscores() { r.allow(Underscored) }

// AllowUnusual has fields whose names hold any character that RFC 9110 section 5.6.2 allows forwarded and found, but
// for those that AllowUnderscores is for: as ingress-nginx does with ignore-invalid-headers off.
func (r *Request) AllowUnusual() { r.allow(Unusual) }

func (r *Request) allow(kind Kind) {
	for i := range r.Fields {
		if r.Fields[i].Kind == kind {
			r.Fields[i].Kind = Other
		}
	}
}
