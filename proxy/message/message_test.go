package message

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func parse(head string) (*Request, error) {
	r := new(Request)
	return r, r.Parse([]byte(head), 100)
}

func TestForwardedLines(t *testing.T) {
	r, err := parse("GET /a?b HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nConnection: X-Hop, keep-alive, Content-Length\r\nX-Hop: 1\r\n" +
		"TE: trailers\r\nKeep-Alive: 5\r\nX-Forwarded-For: 1.2.3.4\r\ncookie:  a=b \r\nContent-Length: 0\r\nX-hop-not: 2\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	want := "Accept: */*\r\ncookie:  a=b \r\nContent-Length: 0\r\nX-hop-not: 2\r\n"
	if got := string(r.AppendForwarded(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if string(r.Value(Cookie)) != "a=b" || !r.TakesTrailers || r.Close || string(r.Query) != "b" {
		t.Errorf("got %+v", r)
	}
}

func TestValidHost(t *testing.T) {
	for host, want := range map[string]bool{
		"": false, "h": true, "h:80": true, "[::1]:80": true, "a b": false, "u@h": false, "h:x": false, "h/": false, ":80": false,
	} {
		if got := ValidHost([]byte(host)); got != want {
			t.Errorf("%q: got %t", host, got)
		}
	}
}

func TestConnectionPersistence(t *testing.T) {
	for head, want := range map[string]bool{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n":                                     false,
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: x , CLOSE\r\n\r\n":            true,
		"GET / HTTP/1.0\r\n\r\n":                                                true,
		"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n":                      false,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n": true,
	} {
		if r, err := parse(head); err != nil || r.Close != want {
			t.Errorf("%q: close is %t, %v", head, r.Close, err)
		}
	}
}

func TestResponseFraming(t *testing.T) {
	for head, want := range map[string]Response{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n":                    {Status: 200, Length: 5},
		"HTTP/1.1 200\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n":  {Status: 200, Length: 5},
		"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: Chunked\r\n\r\n":    {Status: 404, Length: -1, Chunked: true},
		"HTTP/1.0 200 OK\r\n\r\n":                                         {Status: 200, Length: -1, Close: true},
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n":               {Status: 200, Length: -1},
		"HTTP/1.1 200 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n": {Status: 200, Close: true},
	} {
		var r Response
		err := r.Parse([]byte(head), 100)
		if err != nil || r.Status != want.Status || r.Length != want.Length || r.Chunked != want.Chunked || r.Close != want.Close {
			t.Errorf("%q: got %+v, %v", head, r, err)
		}
	}
}

// header makes what the reader of headers hands over: text with an empty line at its end, and nowhere else.
func header(text []byte) []byte {
	text, _, _ = bytes.Cut(text, []byte("\r\n\r\n"))
	return append(bytes.Clone(text), "\r\n\r\n"...)
}

// FuzzRequest compares with net/http, which is the more tolerant reader: what is accepted here must be accepted there
// with the same meaning, but for the differences that are listed.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /a?b=c HTTP/1.1\r\nHost: h:80\r\nContent-Length: 10\r\nConnection: close\r\n\r\n",
		"PUT http://h/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nhost: [::1]:8080\r\nX: \t y \t\r\nExpect: 100-continue\r\n\r\n",
		"GET HTTP://%80 HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Add([]byte("OPTIONS / HTTP/1.1\r\nHost: [::1]\r\nMax-Forwards: 010\r\nExpect: 100-continue,,\r\nX_y: 1\r\na.b: 2\r\n\r\n"))
	f.Add([]byte("POST http://a HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: , chunked\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 0005\r\nProxy: a\r\nForwarded: for=b\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		head := header(sent)
		sent = bytes.Clone(head)
		var r Request
		err := r.Parse(head, 100)
		var refused *Error
		if err != nil {
			if !errors.As(err, &refused) || refused.Status < 400 {
				t.Fatalf("%q: the error is %v", head, err)
			}
			return
		}
		standard, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent)))
		if err != nil {
			if !tolerated(&r, err) {
				t.Fatalf("%q is accepted, and by net/http refused: %v", head, err)
			}
			return
		}
		if standard.Method != string(r.Method) || standard.ProtoMinor != int(r.Minor) && standard.ProtoMinor < 2 {
			t.Errorf("%q: got %s 1.%d", head, r.Method, r.Minor)
		}
		if chunked := len(standard.TransferEncoding) > 0; chunked != r.Chunked || standard.ContentLength != r.Length {
			t.Errorf("%q: length %d, chunked %t; net/http has %d, %t", head, r.Length, r.Chunked, standard.ContentLength, chunked)
		}
		if standard.Host != string(r.Host) {
			t.Errorf("%q: host %q; net/http has %q", head, r.Host, standard.Host)
		}
		if limit := r.MaxForwards(); limit > 0 {
			if r.DecrementMaxForwards(); r.MaxForwards() != limit-1 {
				t.Errorf("%q: Max-Forwards is %d, then %d", sent, limit, r.MaxForwards())
			}
		}
		checkForwarded(t, &r, standard)
	})
}

// checkForwarded reads the lines that are forwarded with a header of their own, as an endpoint does: they must be whole
// lines, without what the proxy removes, and give the body the same length.
func checkForwarded(t *testing.T, r *Request, standard *http.Request) {
	forwarded := r.AppendForwarded([]byte("POST / HTTP/1.1\r\nHost: h\r\n"))
	reread, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(append(forwarded, "\r\n"...))))
	if err != nil {
		t.Fatalf("the forwarded lines are %q: %v", forwarded, err)
	}
	if !r.Chunked && reread.ContentLength != r.Length {
		t.Errorf("%q: the length is %d, want %d", forwarded, reread.ContentLength, r.Length)
	}
	for name, values := range reread.Header {
		suspect := strings.ContainsAny(name, "_.!") || name == "Proxy" || name == "Connection" || name == "X-Forwarded-For"
		if suspect || len(values) > len(standard.Header[name]) {
			t.Errorf("%q: %s has %q; the client sent %q", forwarded, name, values, standard.Header[name])
		}
	}
}

// tolerated lists what net/http refuses and this reader need not: targets are checked when their path is normalised.
func tolerated(r *Request, err error) bool {
	text := err.Error()
	return strings.Contains(text, "invalid URL escape") || strings.Contains(text, "invalid port") ||
		strings.Contains(text, "invalid URI for request") || strings.Contains(text, "parse ") ||
		strings.Contains(text, "malformed HTTP version") ||
		strings.Contains(text, "unsupported transfer encoding") || // an empty element of the list
		len(r.Upgrade) > 0 && strings.Contains(text, "Upgrade")
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: y\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 304\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		head = header(head)
		var r Response
		if r.Parse(head, 100) != nil {
			return
		}
		if r.Status < 100 || r.Status > 999 || r.Length < -1 || r.Chunked && r.Length >= 0 {
			t.Errorf("%q: got %+v", head, r)
		}
		checkLength(t, &r)
		for _, line := range bytes.SplitAfter(r.AppendForwarded(nil), []byte("\r\n")) {
			if len(line) > 0 && (bytes.IndexByte(line, ':') < 1 || !bytes.HasSuffix(line, []byte("\r\n")) ||
				bytes.IndexByte(line, '\n') != len(line)-1) {
				t.Errorf("%q: a forwarded line is %q", head, line)
			}
		}
	})
}

// checkLength reads Content-Length as a client does that is sent the forwarded fields.
func checkLength(t *testing.T, r *Response) {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Kind != ContentLength {
			continue
		}
		if n, ok := ParseLength(f.Value); !ok || n != r.Length || r.Status < 200 || r.Status == 204 {
			t.Errorf("%d with length %d has Content-Length %q", r.Status, r.Length, f.Value)
		}
	}
	if fields, err := ParseFields(nil, r.AppendForwarded(nil), 1000); err != nil {
		t.Errorf("the forwarded lines are %q: %v", fields, err)
	}
}

// FuzzFields reads field lines of requests and replies: they are the same, but for what is corrected in replies.
func FuzzFields(f *testing.F) {
	f.Add([]byte("a: b\r\nc_d:\te \r\n"))
	f.Add([]byte("a : b\r\n"))
	f.Fuzz(func(t *testing.T, block []byte) {
		corrected := bytes.Clone(block)
		replies, replyErr := ParseReplyFields(nil, corrected, 100)
		requests, err := ParseFields(nil, block, 100)
		switch {
		case replyErr != nil && err == nil:
			t.Fatalf("%q is refused in replies only: %v", block, replyErr)
		case replyErr != nil:
			return
		case err == nil && len(requests) != len(replies):
			t.Errorf("%q has %d fields in requests, %d in replies", block, len(requests), len(replies))
		}
		for i := range replies {
			if f := &replies[i]; !IsToken(f.Name) || f.Kind.suspect() && f.Kind != Proxy {
				t.Errorf("%q: got %q, kind %d", block, f.Name, f.Kind)
			}
			if err == nil && (string(requests[i].Name) != string(replies[i].Name) || string(requests[i].Value) != string(replies[i].Value)) {
				t.Errorf("%q: got %q, in replies %q", block, requests[i].Value, replies[i].Value)
			}
		}
		if _, err := ParseFields(nil, corrected, 100); err != nil {
			t.Errorf("%q is corrected to %q: %v", block, corrected, err)
		}
	})
}

// FuzzHost compares with net/url, which is the more tolerant reader.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"a.b:80", "[::1]:80", "[1::1.2.3.4]", "[]", "a:", "[::1", "-", "a_b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !validHost([]byte(host)) || host == "" {
			return
		}
		parsed, err := url.Parse("http://" + host + "/")
		if err != nil || parsed.Host != host || parsed.User != nil || parsed.Path != "/" {
			t.Errorf("%q is valid; net/url reads %+v, %v", host, parsed, err)
		}
	})
}

func BenchmarkParseResponse(b *testing.B) {
	head := []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.29.0\r\nDate: Thu, 26 Nov 2026 11:00:00 GMT\r\n" +
		"Content-Type: text/html; charset=utf-8\r\nContent-Length: 12345\r\nConnection: keep-alive\r\n" +
		"ETag: \"0123456789\"\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\n\r\n")
	var r Response
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if err := r.Parse(head, 100); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	head := []byte("GET /some/path?query=1 HTTP/1.1\r\nHost: gyull.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-GB,en;q=0.5\r\nCookie: session=0123456789abcdef\r\n\r\n")
	var r Request
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if err := r.Parse(head, 100); err != nil {
			b.Fatal(err)
		}
	}
}
