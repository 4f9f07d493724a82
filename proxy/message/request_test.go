package message

import (
	"errors"
	"strings"
	"testing"
)

func TestHostsAreValid(t *testing.T) {
	for _, c := range []struct {
		target, fields string
		host           string
		err            error
	}{
		{"/", "Host: h\r\n", "h", nil},
		{"/", "Host:\r\n", "", nil},
		{"/", "Host: [::1]:8080\r\n", "[::1]:8080", nil},
		{"/", "Host: [2001:db8::1.2.3.4]\r\n", "[2001:db8::1.2.3.4]", nil},
		{"http://a/x", "Host: b\r\n", "a", nil},
		{"http://a/x", "Host:\r\n", "a", nil},
		{"http://[::1]/x", "Host: b\r\n", "[::1]", nil},
		{"http://a/x", "Host: b c\r\n", "", ErrHost},
		{"http://a/x", "Host: u@b\r\n", "", ErrHost},
		{"http://a/x", "Host: []\r\n", "", ErrHost},
		{"http://u@a/x", "Host: a\r\n", "", ErrHost},
		{"http://[]/x", "Host: a\r\n", "", ErrHost},
		{"http://:80/x", "Host: a\r\n", "", ErrHost},
		{"http:///x", "Host: a\r\n", "", ErrTarget},
		{"http://", "Host: a\r\n", "", ErrTarget},
		{"http://?x", "Host: a\r\n", "", ErrTarget},
		{"http://a/x", "Host: b\r\nHost: b\r\n", "", ErrHostCount},
		{"http://a/x", "", "", ErrHostCount},
		{"/", "Host: []\r\n", "", ErrHost},
		{"/", "Host: [:.:]\r\n", "", ErrHost},
		{"/", "Host: [1.2.3.4]\r\n", "", ErrHost},
		{"/", "Host: [::1\r\n", "", ErrHost},
		{"/", "Host: [::1]x\r\n", "", ErrHost},
		{"/", "Host: [::1%251]\r\n", "", ErrHost},
		{"/", "Host: [fe80::1%eth0]\r\n", "", ErrHost},
		{"/", "Host: [v1.a]\r\n", "", ErrHost},
		{"/", "Host: [1:2:3:4:5:6:7:8:9]\r\n", "", ErrHost},
		{"/", "Host: ::1\r\n", "", ErrHost},
	} {
		r, err := parse("GET " + c.target + " HTTP/1.1\r\n" + c.fields + "\r\n")
		if !errors.Is(err, c.err) || err == nil && string(r.Host) != c.host {
			t.Errorf("%s %q: got host %q, %v; want %q, %v", c.target, c.fields, r.Host, err, c.host, c.err)
		}
	}
}

func TestSchemeOfTheTarget(t *testing.T) {
	for target, want := range map[string]string{"/": "", "*": "", "http://a/": "http", "HTTPS://a": "HTTPS"} {
		if r, err := parse("OPTIONS " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil || string(r.Scheme) != want {
			t.Errorf("%s: got %q, %v", target, r.Scheme, err)
		}
	}
}

func TestTransferCodings(t *testing.T) {
	for value, want := range map[string]error{
		"chunked":            nil,
		"CHUNKED":            nil,
		", chunked":          nil,
		"chunked ,\t,":       nil,
		"gzip, chunked":      ErrUnknownCoding,
		"gzip":               ErrUnknownCoding,
		"xchunked":           ErrUnknownCoding,
		"chunked;a=b":        ErrUnknownCoding,
		"chunked, gzip":      ErrTransferEncoding,
		"chunked, chunked":   ErrTransferEncoding,
		"gzip, chunked, x":   ErrTransferEncoding,
		"chunked, , chunked": ErrTransferEncoding,
		"":                   ErrTransferEncoding,
		", ,":                ErrTransferEncoding,
	} {
		r, err := parse("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: " + value + "\r\n\r\n")
		if !errors.Is(err, want) || err == nil && (!r.Chunked || r.Length != -1) {
			t.Errorf("%q: got %+v, %v, want %v", value, r, err, want)
		}
	}
}

func TestExpectations(t *testing.T) {
	for _, c := range []struct {
		version, fields string
		expects         bool
		forwarded       string
		err             error
	}{
		{"1.1", "Expect: 100-continue\r\n", true, "Expect: 100-continue\r\n", nil},
		{"1.1", "Expect: 100-Continue, 100-continue\r\n", true, "Expect: 100-Continue, 100-continue\r\n", nil},
		{"1.1", "Expect: 100-continue\r\nExpect:\r\n", true, "Expect: 100-continue\r\nExpect:\r\n", nil},
		{"1.1", "Expect: , 100-continue\r\n", true, "Expect: , 100-continue\r\n", nil},
		{"1.1", "Expect: a-pony\r\n", false, "", ErrExpectation},
		{"1.1", "Expect: 100-continue, a-pony\r\n", false, "", ErrExpectation},
		{"1.1", "Expect: 100-continue; a=b\r\n", false, "", ErrExpectation},
		{"1.0", "Expect: 100-continue\r\nX: y\r\n", false, "X: y\r\n", nil},
		{"1.0", "Expect: a-pony\r\n", false, "", nil},
	} {
		r, err := parse("POST / HTTP/" + c.version + "\r\nHost: h\r\n" + c.fields + "\r\n")
		if !errors.Is(err, c.err) || err == nil && (r.ExpectsContinue != c.expects || string(r.AppendForwarded(nil)) != c.forwarded) {
			t.Errorf("HTTP/%s %q: got %t, %q, %v", c.version, c.fields, r.ExpectsContinue, r.AppendForwarded(nil), err)
		}
	}
}

func TestLengthsAreForwardedWithoutLeadingZeros(t *testing.T) {
	for value, want := range map[string]struct {
		length    int64
		forwarded string
	}{
		"5":                         {5, "Content-Length: 5\r\n"},
		"0":                         {0, "Content-Length: 0\r\n"},
		"05":                        {5, "Content-Length:  5\r\n"},
		"000":                       {0, "Content-Length:   0\r\n"},
		"000000000000000000000017":  {17, "Content-Length: " + strings.Repeat(" ", 22) + "17\r\n"},
		"999999999999999999":        {999999999999999999, "Content-Length: 999999999999999999\r\n"},
		"00999999999999999999":      {999999999999999999, "Content-Length:   999999999999999999\r\n"},
		"1000000000000000000":       {-2, ""},
		"0001000000000000000000":    {-2, ""},
		"00x":                       {-2, ""},
		"0 1":                       {-2, ""},
		"+05":                       {-2, ""},
		"5, 5":                      {-2, ""}, // only in replies
		"5\r\nContent-Length: 5":    {-2, ""},
		"05\r\nContent-Length : 05": {-2, ""},
	} {
		r, err := parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + value + "\r\n\r\n")
		if refused := want.length == -2; refused != (err != nil) {
			t.Errorf("%q: got %v", value, err)
		}
		if err == nil && (r.Length != want.length || string(r.AppendForwarded(nil)) != want.forwarded) {
			t.Errorf("%q: got %d, forwarded %q", value, r.Length, r.AppendForwarded(nil))
		}
	}
}

func TestProtocolsThatUpgradeMayOffer(t *testing.T) {
	for value, offered := range map[string]bool{
		"websocket": true, "WebSocket": true, "foo/2, bar": true, "SPDY/3": true, "IRC/6.9": true,
		"h2c": false, "H2C": false, "h2": false, "HTTP/2.0": false, "HTTP/3": false, "http": false, "TLS/1.0": false,
		"websocket, h2c": false, "websocket,TLS/1.2": false, "": false,
	} {
		r, err := parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: " + value + "\r\n\r\n")
		if err != nil || (len(r.Upgrade) > 0) != offered || offered && string(r.Upgrade) != value {
			t.Errorf("%q: got %q, %v", value, r.Upgrade, err)
		}
	}
	for _, head := range []string{
		"GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", // RFC 9110 section 7.8
		"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
	} {
		if r, err := parse(head); err != nil || len(r.Upgrade) > 0 {
			t.Errorf("%q: got %q, %v", head, r.Upgrade, err)
		}
	}
}

func TestMaxForwards(t *testing.T) {
	for _, c := range []struct {
		method, fields string
		want           int64
		forwarded      string
	}{
		{"OPTIONS", "", -1, ""},
		{"OPTIONS", "Max-Forwards: 0\r\n", 0, "Max-Forwards: 0\r\n"}, // not to be forwarded at all
		{"OPTIONS", "Max-Forwards: 5\r\n", 5, "Max-Forwards: 4\r\n"},
		{"OPTIONS", "A: 1\r\nmax-forwards: 10\r\nB: 2\r\n", 10, "A: 1\r\nmax-forwards:  9\r\nB: 2\r\n"},
		{"OPTIONS", "Max-Forwards: 100\r\nMax-Forwards: 5\r\n", 5, "Max-Forwards:   4\r\nMax-Forwards: 4\r\n"},
		{"OPTIONS", "Max-Forwards: x\r\n", -1, "Max-Forwards: x\r\n"},
		{"OPTIONS", "Max-Forwards: x\r\nMax-Forwards: 1\r\n", 1, "Max-Forwards: x\r\nMax-Forwards: 0\r\n"},
		{"GET", "Max-Forwards: 0\r\n", -1, "Max-Forwards: 0\r\n"},
		{"options", "Max-Forwards: 0\r\n", -1, "Max-Forwards: 0\r\n"},
	} {
		r, err := parse(c.method + " / HTTP/1.1\r\nHost: h\r\n" + c.fields + "\r\n")
		if err != nil || r.MaxForwards() != c.want {
			t.Errorf("%s %q: got %d, %v", c.method, c.fields, r.MaxForwards(), err)
		}
		r.DecrementMaxForwards()
		if got := string(r.AppendForwarded(nil)); got != c.forwarded {
			t.Errorf("%s %q: forwarded %q, want %q", c.method, c.fields, got, c.forwarded)
		}
		if c.want > 0 && r.MaxForwards() != c.want-1 {
			t.Errorf("%s %q: HTTP/2 gets %d", c.method, c.fields, r.MaxForwards())
		}
	}
}

// TestReleaseDropsLargeMessages looks at what an idle connection would keep alive.
func TestReleaseDropsLargeMessages(t *testing.T) {
	few, many := strings.Repeat("X: y\r\n", 20), strings.Repeat("X: y\r\n", 90)
	long := "X: " + strings.Repeat("y", 5000) + "\r\n"
	for name, c := range map[string]struct {
		fields  string
		dropped bool
		kept    int // at most, fields
	}{"small": {few, false, 48}, "many": {many, true, 0}, "long": {long, true, 48}, "many and long": {many + long, true, 0}} {
		r, err := parse("GET / HTTP/1.1\r\nHost: h\r\n" + c.fields + "\r\n")
		if err != nil {
			t.Fatal(err)
		}
		reply := parseReply(t, "HTTP/1.1 200 OK\r\n"+c.fields+"\r\n")
		r.Release()
		reply.Release()
		if (r.Path == nil) != c.dropped || cap(r.Fields) > c.kept || (reply.block == nil) != c.dropped || cap(reply.Fields) > c.kept {
			t.Errorf("%s: a request keeps %q and %d fields, a reply %d bytes and %d fields", name, r.Path, cap(r.Fields), len(reply.block), cap(reply.Fields))
		}
		for _, f := range append(r.Fields[:cap(r.Fields)], reply.Fields[:cap(reply.Fields)]...) {
			if c.dropped && f.Name != nil {
				t.Errorf("%s: a field is kept: %q", name, f.Name)
			}
		}
	}
}
