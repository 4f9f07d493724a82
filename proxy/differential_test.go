package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy"
)

// differences returns the requests that the proxy and net/http judge differently, and why the proxy does.
func differences() map[string]string {
	return map[string]string{
		"the same length twice":            "net/http merges equal lengths; RFC 9112 section 6.3 allows to refuse, and a second parser may not merge",
		"length and chunked":               "net/http ignores the length; RFC 9112 section 6.1 calls it an attempt at smuggling",
		"chunked in HTTP/1.0":              "net/http reads the chunks; RFC 9112 section 6.1: the framing is faulty",
		"a bare LF after the request line": "net/http takes LF for CR LF, as RFC 9112 section 2.2 allows; endpoints may not",
		"a bare LF in the fields":          "as above",
		"only bare LFs":                    "as above",
		"obs-fold":                         "net/http joins the lines; RFC 9112 section 5.2: a server must refuse or join",
		"a fragment":                       "net/http passes it on; RFC 9112 section 3.2: no form of a target has one",
		"an escaped NUL":                   "it ends strings in many an endpoint",
		"an escaped host":                  "net/http passes it on; endpoints may decode it, and see another host than was routed on",
		"above the root":                   "net/http leaves it to the handler; endpoints may leave their directory",
		"above the root, escaped":          "as above",
		"CONNECT":                          "net/http leaves it to the handler; the proxy is no tunnel",
		"TRACE":                            "net/http leaves it to the handler; it would show what backends are told",
		"a target of another scheme":       "net/http leaves it to the handler; the proxy serves http and https",
		"a long target":                    "the proxy's limit is set lower in this test",
		"a long field":                     "as above",
		"empty lines before the request":   "RFC 9112 section 2.2: a server should ignore at least one",
		"many fields":                      "net/http limits bytes only",
		"empty brackets":                   "net/http passes it on; RFC 9112 section 3.2: an invalid Host must be refused",
		"brackets without an address":      "as above",
		"one of several expectations":      "net/http looks for 100-continue only; RFC 9110 section 10.1.1 allows 417",
		"an empty element before chunked":  "net/http knows no lists here; RFC 9110 section 5.6.1: empty elements must be ignored",
		"an expectation in HTTP/1.0":       "net/http refuses it; RFC 9110 section 10.1.1: it must be ignored there",
	}
}

// harmless returns requests that look odd and that both must accept.
func harmless() []awkward {
	return []awkward{
		{"empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"no space after the colon", "GET / HTTP/1.1\r\nHost:h\r\n\r\n", 200},
		{"tabs around a value", "GET / HTTP/1.1\r\nHost: h\r\nX:\t y\t \r\n\r\n", 200},
		{"an empty value", "GET / HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n", 200},
		{"obs-text in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \xe9\xff\r\n\r\n", 200},
		{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 200},
		{"an unknown method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"a body with GET", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", 200},
		{"CHUNKED", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", 200},
		{"leading zeros in a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0000000000000000000002\r\n\r\nhi", 200},
		{"leading zeros in a chunk size", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"00000000000000000001\r\nx\r\n0\r\n\r\n", 200},
		{"an empty element before chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", 200},
		{"a list of the same expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue, 100-continue\r\nContent-Length: 0\r\n\r\n", 200},
		{"an expectation in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nExpect: a-pony\r\nContent-Length: 0\r\n\r\n", 200},
		{"white space before a chunk extension", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a=b\r\nx\r\n0\r\n\r\n", 200},
		{"a chunk extension", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n", 200},
		{"absolute form", "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200},
		{"an empty query", "GET /? HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"a bad escape in the query", "GET /?%zz HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"raw UTF-8 in the path", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"two slashes", "GET //x HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"Connection names Host", "GET / HTTP/1.1\r\nHost: h\r\nConnection: host\r\n\r\n", 200},
	}
}

// TestDifferences sends the same requests to the proxy and to a plain net/http server. Each request that they judge
// differently must be in the list, and each in the list must be judged differently.
func TestDifferences(t *testing.T) {
	s := one(t, proxy.Config{Limits: proxy.Limits{HeaderBytes: 8 << 10, HeaderFields: 20}}, echoBody)
	standard := backend(t, echoBody).Address.String()
	for _, c := range append(ambiguous(), harmless()...) {
		t.Run(c.name, func(t *testing.T) {
			byProxy, byStandard := judge(t, s.plain, c.request), judge(t, standard, c.request)
			if byProxy != c.want {
				t.Errorf("the proxy answers %d, want %d", byProxy, c.want)
			}
			reason, listed := differences()[c.name]
			if differ := (byProxy < 400) != (byStandard < 400); differ != (listed) {
				t.Errorf("the proxy answers %d, net/http %d; listed as a difference: %q", byProxy, byStandard, reason)
			}
		})
	}
}

// judge returns the status code that a request gets.
func judge(t *testing.T, address, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	reply, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	return reply.StatusCode
}
