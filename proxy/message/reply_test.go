package message

import (
	"errors"
	"testing"
)

func parseReply(t *testing.T, head string) *Response {
	t.Helper()
	r := new(Response)
	if err := r.Parse([]byte(head), 100); err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return r
}

// forwardedNames are the names of the fields that are forwarded over HTTP/2.
func forwardedNames(r *Response) (names []string) {
	for i := range r.Fields {
		if r.Fields[i].IsForwarded() {
			names = append(names, string(r.Fields[i].Name))
		}
	}
	return names
}

func TestReplyFramingIsForwardedWhereItBelongs(t *testing.T) {
	for _, c := range []struct {
		head, want string
		names      int // that are forwarded over HTTP/2
	}{
		{"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: </a>\r\n\r\n", "Link: </a>\r\n", 1},
		{"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", "", 0},
		{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 5\r\n\r\n", "", 0},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nETag: a\r\n\r\n", "ETag: a\r\n", 1},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "", 0},
		{"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "Content-Length: 5\r\n", 1},
		{"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "Content-Length: 5\r\n", 1},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0},
	} {
		r := parseReply(t, c.head)
		if got := string(r.AppendForwarded(nil)); got != c.want {
			t.Errorf("%q: HTTP/1.1 gets %q, want %q", c.head, got, c.want)
		}
		if got := forwardedNames(r); len(got) != c.names {
			t.Errorf("%q: HTTP/2 gets %q", c.head, got)
		}
	}
}

func TestRepliesWithoutStatusLine(t *testing.T) {
	var r Response
	block := "etag: \"x\"\r\ncontent-length: 5\r\nmy_key: 1\r\n"
	for status, want := range map[int]string{
		204: "etag: \"x\"\r\nmy_key: 1\r\n", 304: block, 200: block,
	} {
		if err := r.ParseFieldLines(status, []byte(block), 10); err != nil || r.Length != 5 || r.Close {
			t.Errorf("%d: got %+v, %v", status, r, err)
		}
		if got := string(r.AppendForwarded(nil)); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
	for _, status := range []int{0, 99, 1000} {
		if err := r.ParseFieldLines(status, []byte(block), 10); !errors.Is(err, ErrStatusLine) {
			t.Errorf("%d: got %v", status, err)
		}
	}
}

func TestUpgradeRequiredNamesItsProtocol(t *testing.T) {
	r := parseReply(t, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: a/1\r\nX: y\r\nUpgrade: b\r\nConnection: upgrade\r\n\r\n")
	want := "X: y\r\nConnection: upgrade\r\nUpgrade: a/1\r\nUpgrade: b\r\n"
	if got := string(r.AppendForwarded(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := forwardedNames(r); len(got) != 1 {
		t.Errorf("HTTP/2 gets %q", got)
	}
	for _, head := range []string{"HTTP/1.1 426 X\r\nY: z\r\n\r\n", "HTTP/1.1 200 OK\r\nUpgrade: a/1\r\nY: z\r\n\r\n"} {
		if got := string(parseReply(t, head).AppendForwarded(nil)); got != "Y: z\r\n" {
			t.Errorf("%q: got %q", head, got)
		}
	}
}

// TestIrregularRepliesAreCorrected has replies that RFC 9112 or RFC 9110 let a proxy correct; the forwarded lines must
// be those of a regular one.
func TestIrregularRepliesAreCorrected(t *testing.T) {
	for _, c := range []struct {
		head, want string
		length     int64
	}{
		{"HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "X:  a\r\n", -1},
		{"HTTP/1.1 200 OK\r\nX \t : a\r\nY: b\r\n\r\n", "X:\t   a\r\nY: b\r\n", -1},
		{"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", "Content-Length:  5\r\n", 5},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n", "Content-Length:    2\r\n", 2},
		{"HTTP/1.1 200 OK\r\nContent-Length: 12,012 , 12\r\n\r\n", "Content-Length:          12\r\n", 12},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", "Content-Length: 2\r\n", 2},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 02\r\n\r\n", "Content-Length:    2\r\n", 2},
		{"HTTP/1.1 200 OK\r\nContent-Length: 007\r\n\r\n", "Content-Length:   7\r\n", 7},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "Content-Length: 0\r\n", 0},
		{"HTTP/1.1 200 OK\r\nContent-Length: 00\r\n\r\n", "Content-Length:  0\r\n", 0},
		{"HTTP/1.1 600 X\r\nY: z\r\n\r\n", "Y: z\r\n", -1},
		{"HTTP/1.1 999 X\r\nY: z\r\n\r\n", "Y: z\r\n", -1},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: , chunked ,\r\nY: z\r\n\r\n", "Y: z\r\n", -1},
		{"HTTP/1.1 200 OK\r\nMy_Key: a\r\nMy.Key: b\r\n\r\n", "My_Key: a\r\nMy.Key: b\r\n", -1},
	} {
		r := parseReply(t, c.head)
		if got := string(r.AppendForwarded(nil)); got != c.want || r.Length != c.length {
			t.Errorf("%q: got %q, length %d, want %q, %d", c.head, got, r.Length, c.want, c.length)
		}
		for i := range r.Fields {
			if f := &r.Fields[i]; f.Kind == ContentLength {
				if n, ok := ParseLength(f.Value); !ok || n != c.length {
					t.Errorf("%q: HTTP/2 gets the length %q", c.head, f.Value)
				}
			}
		}
	}
}

func TestRepliesThatCannotBeCorrectedAreRefused(t *testing.T) {
	for head, want := range map[string]error{
		"HTTP/1.1 099 X\r\n\r\n":                                                        ErrStatusLine,
		"HTTP/1.1 1000 X\r\n\r\n":                                                       ErrStatusLine,
		"HTTP/1.1 200 OK\r\n : a\r\n\r\n":                                               ErrFieldName,
		"HTTP/1.1 200 OK\r\nX y: a\r\n\r\n":                                             ErrFieldName,
		"HTTP/1.1 200 OK\r\nX \r\n\r\n":                                                 ErrFieldName,
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n":                                         ErrFieldName,
		"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n":                               ErrContentLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\n":                                 ErrContentLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n":             ErrContentLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 2, x\r\n\r\n":                               ErrContentLength,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n":                   ErrUnknownCoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length : 1\r\n\r\n":   ErrLengthTwice,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\nContent-Length: 1\r\n\r\n":   ErrLengthTwice,
		"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n":     ErrContentLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n":                ErrContentLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1000000000000000000000000001\r\n\r\n":    ErrContentLength,
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n":                         ErrTransferEncoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n": ErrTransferEncoding,
	} {
		var r Response
		if err := r.Parse([]byte(head), 100); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", head, err, want)
		}
	}
}

func TestRepliesHaveDate(t *testing.T) {
	for head, want := range map[string]bool{
		"HTTP/1.1 200 OK\r\nX: y\r\n\r\n":                        false,
		"HTTP/1.1 200 OK\r\ndate: z\r\n\r\n":                     true,
		"HTTP/1.1 200 OK\r\nDate:\r\n\r\n":                       true,
		"HTTP/1.1 200 OK\r\nDate: z\r\nConnection: date\r\n\r\n": false,
		"HTTP/1.1 200 OK\r\nX-Date: z\r\n\r\n":                   false,
	} {
		if r := parseReply(t, head); r.Has(Date) != want {
			t.Errorf("%q: got %t", head, !want)
		}
	}
}
