package message

import (
	"net/http"
	"strconv"
)

// FromHTTP2 makes the response out of one that came over HTTP/2. Its fields are checked as if they had come over
// HTTP/1.1, because that is how they may go on. length is -1 if it is not known.
func (r *Response) FromHTTP2(status int, header http.Header, length int64) error {
	var block []byte
	for name, values := range header {
		for _, value := range values {
			block = append(block, name...)
			block = append(block, ": "...)
			block = append(block, value...)
			block = append(block, "\r\n"...)
		}
	}
	if length >= 0 && header.Get("Content-Length") == "" {
		block = append(block, "Content-Length: "...)
		block = strconv.AppendInt(block, length, 10)
		block = append(block, "\r\n"...)
	}
	fields, err := ParseFields(nil, block, 1<<10)
	if err != nil {
		return err
	}
	*r = Response{Status: status, Minor: 1, Fields: fields, Length: length, block: block}
	return nil
}

// TrailersOf are trailers that came over HTTP/2, as fields.
func TrailersOf(trailer http.Header) []Field {
	var fields []Field
	for name, values := range trailer {
		for _, value := range values {
			if IsToken([]byte(name)) && isValue(value) {
				fields = append(fields, Field{Name: []byte(name), Value: []byte(value), Kind: kindOf([]byte(name))})
			}
		}
	}
	return fields
}

func isValue(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
