package message

import "github.com/ingress-testbed/testbed/proxy/quirk"

// Reading is how the headers of requests are read.
type Reading struct {
	// Bytes is the size of the largest header, start line included, which whoever reads it from the connection observes.
	Bytes int
	// Line is the longest start line or field line in bytes, its end included; 0 is no limit.
	Line int
	// Fields is the largest number of fields.
	Fields int
	Quirks quirk.Set
}

// Errors of the limits.
var (
	ErrTargetTooLong = &Error{Status: 414, Reason: "the request target is too long"}
	ErrFieldTooLong  = &Error{Status: 431, Reason: "a header field is too large"}
)

// checkLines refuses field lines that are too long.
func (r *Reading) checkLines(fields []Field) error {
	if r.Line == 0 {
		return nil
	}
	for i := range fields {
		if int(fields[i].end-fields[i].start) > r.Line {
			return ErrFieldTooLong
		}
	}
	return nil
}

// validHost checks the value of a Host field, or its equivalent in HTTP/2.
func (r *Reading) validHost(host []byte) bool {
	if r.Quirks.Has(quirk.LooseHosts) {
		return looseHost(host)
	}
	return validHost(host)
}

// looseHost accepts more than validHost does, as nginx does (ngx_http_validate_host): any text as a port, and user
// information, which it takes for a part of the name. It refuses two dots in a row, and an empty host. Of what nginx accepts,
// the characters are refused that may end a host in a URL, and those that validHost refuses in names.
func looseHost(host []byte) bool {
	if len(host) > 0 && host[0] == '[' {
		return validHost(host)
	}
	end := 0
	for end < len(host) && (hostCharacters[host[end]] || host[end] == '@') {
		if host[end] == '.' && end > 0 && host[end-1] == '.' {
			return false
		}
		end++
	}
	if end == 0 || end < len(host) && host[end] != ':' {
		return false
	}
	for _, c := range host[min(end+1, len(host)):] {
		if !hostCharacters[c] {
			return false
		}
	}
	return true
}

// validMethod reports whether nginx accepts a method: its letters are in upper case.
func (r *Reading) validMethod(method []byte) bool {
	if !r.Quirks.Has(quirk.RequestLines) {
		return IsToken(method)
	}
	for _, c := range method {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(method) > 0
}
