package fastcgi

import (
	"bytes"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// cutHead splits a reply behind the empty line that ends its header. Lines may end in LF alone (RFC 3875 section 6.2).
func cutHead(reply []byte) (head, rest []byte, found bool) {
	for from := 0; ; {
		end := bytes.IndexByte(reply[from:], '\n')
		if end < 0 {
			return nil, nil, false
		}
		if len(bytes.TrimSuffix(reply[from:from+end], []byte("\r"))) == 0 {
			return reply[:from], reply[from+end+1:], true
		}
		from += end + 1
	}
}

// convert makes a header of HTTP/1.1 of one of CGI (RFC 3875 section 6.3): its status is in the field Status, 302 if
// that is missing but there is a Location, and 200 otherwise. Fields about the connection to the client are left out.
func convert(head []byte) ([]byte, error) {
	status := []byte("200 OK")
	hasStatus := false
	var fields []byte
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !message.IsToken(name) {
			return nil, errHeader
		}
		switch {
		case message.EqualFold(name, "status"):
			if status = bytes.TrimSpace(value); !isStatus(status) || hasStatus {
				return nil, errHeader
			}
			hasStatus = true
			continue
		case message.EqualFold(name, "location") && !hasStatus:
			status = []byte("302 Found")
		case isConnection(name):
			continue
		}
		fields = append(append(fields, line...), "\r\n"...)
	}
	converted := append([]byte("HTTP/1.1 "), status...)
	converted = append(converted, "\r\n"...)
	return append(append(converted, fields...), "\r\n"...), nil
}

// isStatus reports whether a text begins with a final status, and nothing else but a space and a reason.
func isStatus(text []byte) bool {
	if len(text) < 3 || len(text) > 3 && text[3] != ' ' || text[0] < '2' || text[0] > '9' {
		return false
	}
	return text[1] >= '0' && text[1] <= '9' && text[2] >= '0' && text[2] <= '9'
}

// isConnection reports whether a field is about a connection, and not about the reply (RFC 9110 section 7.6.1).
func isConnection(name []byte) bool {
	for _, hop := range []string{"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"} {
		if message.EqualFold(name, hop) {
			return true
		}
	}
	return false
}
