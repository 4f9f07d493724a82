package message

// AllowedInTrailers reports whether a field of a trailer section is forwarded. RFC 9110 section 6.5.1 has a sender
// generate only those whose definition permits it, and lets a recipient discard the others; those that the proxy does
// not know are permitted. Not forwarded are: all that have a kind of their own, among them framing, routing, the
// connection, cookies, and what is said about the client; authentication; the description of the content; caching and
// conditions; controls of the reply. An endpoint that merges trailers into the header (CVE-2013-5704) therefore gets
// nothing by them that the proxy would have removed or replaced there.
func (f *Field) AllowedInTrailers() bool {
	if f.Kind != Other || len(f.Name) == 0 {
		return false
	}
	for _, name := range headerOnly[(f.Name[0]|0x20)&31] {
		if EqualFold(f.Name, name) {
			return false
		}
	}
	return true
}

// headerOnly holds names in lower case, by the low bits of their first letter.
//
//nolint:gochecknoglobals // a table that is never changed
var headerOnly = func() (table [32][]string) {
	for _, name := range []string{
		// Authentication (RFC 9110 section 11, RFC 6265).
		"authentication-info", "authorization", "proxy-authentication-info", "set-cookie", "www-authenticate",
		// The content (RFC 9110 sections 8 and 14).
		"content-disposition", "content-encoding", "content-language", "content-location", "content-range",
		"content-type", "accept-ranges", "range",
		// Caching and conditions (RFC 9110 section 13, RFC 9111).
		"age", "cache-control", "expires", "if-match", "if-modified-since", "if-none-match", "if-range",
		"if-unmodified-since", "last-modified", "pragma", "vary", "warning",
		// Controls of the reply and of browsers (RFC 9110 sections 10.2 and 15).
		"access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
		"access-control-allow-origin", "access-control-expose-headers", "access-control-max-age", "allow",
		"clear-site-data", "content-security-policy", "location", "origin", "refresh", "retry-after",
		"x-content-type-options", "x-frame-options",
		// Routing, and methods that endpoints take in the place of the request's own.
		"via", "x-http-method", "x-http-method-override", "x-method-override",
	} {
		table[name[0]&31] = append(table[name[0]&31], name)
	}
	return table
}()

// AppendTrailers appends the lines of a trailer section of HTTP/1.1 (RFC 9112 section 7.1.2): the fields that are
// forwarded, without the empty line at the end.
func AppendTrailers(dst []byte, fields []Field) []byte {
	for i := range fields {
		if field := &fields[i]; field.AllowedInTrailers() {
			dst = append(append(dst, field.Name...), ": "...)
			dst = append(append(dst, field.Value...), '\r', '\n')
		}
	}
	return dst
}
