package proxy_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
)

// TestAmbiguousRequestsAreRefused holds the ways in which requests are smuggled past proxies. Each is answered by the
// proxy itself, the connection is closed, and no endpoint sees anything.
func TestAmbiguousRequestsAreRefused(t *testing.T) {
	var asked atomic.Int32
	s := one(t, proxy.Config{Limits: proxy.Limits{HeaderBytes: 8 << 10, HeaderFields: 20}},
		func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	for _, c := range ambiguous() {
		t.Run(c.name, func(t *testing.T) {
			connection := s.dial(t)
			connection.send("%s", c.request)
			reply, _ := connection.reply("GET")
			if reply.StatusCode != c.want || !reply.Close {
				t.Errorf("got %v, want %d", reply, c.want)
			}
			if allow := reply.Header.Get("Allow"); (allow != "") != (c.want == 405) {
				t.Errorf("got Allow %q with %d", allow, c.want)
			}
		})
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

// awkward is a request and the status code that it must get.
type awkward struct {
	name, request string
	want          int
}

func ambiguous() []awkward {
	long := strings.Repeat("x", 9<<10)
	return []awkward{
		{"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400},
		{"the same length twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
		{"a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\nx", 400},
		{"a signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx", 400},
		{"a negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\nx", 400},
		{"a length that overflows", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551617\r\n\r\nx", 400},
		{"an empty length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400},
		{"length and chunked", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"chunked twice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"chunked, chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
		{"chunked, identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400},
		{"an unknown coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
		{"chunked with vertical tab", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", 400},
		{"gzip, chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"an empty coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ,\r\n\r\n0\r\n\r\n", 400},
		{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"a bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
		{"a bare LF in the fields", "GET / HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n", 400},
		{"only bare LFs", "GET / HTTP/1.1\nHost: h\n\n", 400},
		{"a bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400},
		{"obs-fold", "GET / HTTP/1.1\r\nHost: h\r\nX: 1\r\n 2\r\n\r\n", 400},
		{"white space before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\nx", 400},
		{"an empty name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400},
		{"no colon", "GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n", 400},
		{"NUL in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\x00: 1\r\n\r\n", 400},
		{"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \x00\r\n\r\n", 400},
		{"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \x7f\r\n\r\n", 400},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400},
		{"a Host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 400},
		{"a Host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400},
		{"a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"an escaped host", "GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n", 400},
		{"a target with an escaped host", "GET http://a%2eb/ HTTP/1.1\r\nHost: a.b\r\n\r\n", 400},
		{"a bad Host beside an absolute target", "GET http://a/x HTTP/1.1\r\nHost: b c\r\n\r\n", 400},
		{"a user in Host beside an absolute target", "GET http://a/x HTTP/1.1\r\nHost: u@b\r\n\r\n", 400},
		{"empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
		{"brackets without an address", "GET / HTTP/1.1\r\nHost: [:.:]\r\n\r\n", 400},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a tab instead of a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a fragment", "GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a relative target", "GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a target of another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a bad escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"an escaped NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"above the root", "GET /../x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"above the root, escaped", "GET /a/%2e%2e/.%2E/x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"a bad method", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		{"no version", "GET /\r\nHost: h\r\n\r\n", 400},
		{"a bad version", "GET / HTTP/1.x\r\nHost: h\r\n\r\n", 400},
		{"a version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
		{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
		{"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 405},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
		{"another expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect: a-pony\r\nContent-Length: 0\r\n\r\n", 417},
		{"one of several expectations", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue, a-pony\r\nContent-Length: 0\r\n\r\n", 417},
		{"a long target", "GET /" + long + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
		{"a long field", "GET / HTTP/1.1\r\nHost: h\r\nX: " + long + "\r\n\r\n", 431},
		{"many fields", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: 1\r\n", 20) + "\r\n", 431},
		{"nonsense", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	}
}

// TestBadChunksAreRefused has bodies that are found bad after the header was forwarded: the endpoint must see that
// the body is not whole.
func TestBadChunksAreRefused(t *testing.T) {
	var whole atomic.Int32
	arrived := make(chan struct{})
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		buffer := make([]byte, 1<<10)
		for {
			if _, err := r.Body.Read(buffer); err != nil {
				if err.Error() == "EOF" {
					whole.Add(1)
				}
				return
			}
		}
	})
	for name, body := range map[string]string{
		"no digits":                 "\r\nx\r\n0\r\n\r\n",
		"a sign":                    "+1\r\nx\r\n0\r\n\r\n",
		"a prefix":                  "0x1\r\nx\r\n0\r\n\r\n",
		"a space before the size":   " 1\r\nx\r\n0\r\n\r\n",
		"a space after the size":    "1 \r\nx\r\n0\r\n\r\n",
		"a size that overflows":     "10000000000000001\r\nx\r\n0\r\n\r\n",
		"a bare LF after the size":  "1\nx\r\n0\r\n\r\n",
		"a bare LF after the data":  "1\r\nx\n0\r\n\r\n",
		"more data than the size":   "1\r\nxy\r\n0\r\n\r\n",
		"NUL in an extension":       "1;\x00\r\nx\r\n0\r\n\r\n",
		"a long extension":          "1;" + strings.Repeat("x", 300) + "\r\nx\r\n0\r\n\r\n",
		"a folded trailer":          "0\r\nX: 1\r\n 2\r\n\r\n",
		"a trailer without a colon": "0\r\nX\r\n\r\n",
		"a bare LF in the trailers": "0\r\nX: 1\n\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			connection := s.dial(t)
			connection.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
			<-arrived
			connection.send("%s", body)
			if reply, _ := connection.reply("POST"); reply.StatusCode != http.StatusBadRequest || !reply.Close {
				t.Errorf("got %v", reply)
			}
		})
	}
	if n := whole.Load(); n != 0 {
		t.Errorf("%d bodies were taken for whole", n)
	}
}
