package message

import (
	"errors"
	"net/http"
	"testing"
)

func requestFromHTTP2(t *testing.T, block string, ends bool, pseudo ...string) (*Request, error) {
	t.Helper()
	var fields PseudoFields
	for i := 0; i < len(pseudo); i += 2 {
		if !fields.Set(pseudo[i], pseudo[i+1]) {
			t.Fatalf("%s was refused", pseudo[i])
		}
	}
	r := new(Request)
	err := r.FromHTTP2(&fields, []byte(block), ends, &Reading{Fields: 10})
	return r, err
}

func TestRequestsOverHTTP2(t *testing.T) {
	const malformed = 0
	for name, test := range map[string]struct {
		pseudo []string
		block  string
		open   bool // more follows
		status int  // 200 if the request is valid
	}{
		"GET":               {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/"}, "", false, 200},
		"https":             {[]string{":method", "GET", ":scheme", "https", ":authority", "h", ":path", "/"}, "", false, 200},
		"Host only":         {[]string{":method", "GET", ":scheme", "http", ":path", "/"}, "host: h\r\n", false, 200},
		"both hosts":        {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/"}, "host: h\r\n", false, 200},
		"OPTIONS *":         {[]string{":method", "OPTIONS", ":scheme", "http", ":authority", "h", ":path", "*"}, "", false, 200},
		"body":              {[]string{":method", "POST", ":scheme", "http", ":authority", "h", ":path", "/"}, "content-length: 5\r\n", true, 200},
		"100-continue":      {[]string{":method", "POST", ":scheme", "http", ":authority", "h", ":path", "/"}, "expect: 100-Continue\r\n", true, 200},
		"expectations":      {[]string{":method", "POST", ":scheme", "http", ":authority", "h", ":path", "/"}, "expect: 100-continue, 100-continue\r\n", true, 200},
		"other expectation": {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/"}, "expect: a-pony\r\n", false, 417},
		"no host":           {[]string{":method", "GET", ":scheme", "http", ":path", "/"}, "", false, 400},
		"empty authority":   {[]string{":method", "GET", ":scheme", "http", ":authority", "", ":path", "/"}, "", false, 400},
		"empty host":        {[]string{":method", "GET", ":scheme", "http", ":path", "/"}, "host: \r\n", false, 400},
		"invalid authority": {[]string{":method", "GET", ":scheme", "http", ":authority", "u@h", ":path", "/"}, "", false, 400},
		"different hosts":   {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/"}, "host: i\r\n", false, malformed},
		"no scheme":         {[]string{":method", "GET", ":authority", "h", ":path", "/"}, "", false, malformed},
		"empty scheme":      {[]string{":method", "GET", ":scheme", "", ":authority", "h", ":path", "/"}, "", false, malformed},
		"other scheme":      {[]string{":method", "GET", ":scheme", "ftp", ":authority", "h", ":path", "/"}, "", false, malformed},
		"URL as scheme":     {[]string{":method", "GET", ":scheme", "http://evil/?", ":authority", "h", ":path", "/"}, "", false, malformed},
		"scheme in capitals": {
			[]string{":method", "GET", ":scheme", "HTTP", ":authority", "h", ":path", "/"}, "", false, malformed},
		"no path":           {[]string{":method", "GET", ":scheme", "http", ":authority", "h"}, "", false, malformed},
		"empty path":        {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", ""}, "", false, malformed},
		"path without /":    {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "x"}, "", false, 400},
		"GET *":             {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "*"}, "", false, 400},
		"fragment":          {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/#x"}, "", false, 400},
		"no method":         {[]string{":scheme", "http", ":authority", "h", ":path", "/"}, "", false, malformed},
		"invalid method":    {[]string{":method", "G T", ":scheme", "http", ":authority", "h", ":path", "/"}, "", false, malformed},
		"CONNECT":           {[]string{":method", "CONNECT", ":authority", "h:443"}, "", true, 405},
		"TRACE":             {[]string{":method", "TRACE", ":scheme", "http", ":authority", "h", ":path", "/"}, "", false, 405},
		"length of nothing": {[]string{":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/"}, "content-length: 5\r\n", false, malformed},
		"two lengths":       {[]string{":method", "POST", ":scheme", "http", ":authority", "h", ":path", "/"}, "content-length: 5\r\ncontent-length: 5\r\n", true, malformed},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := requestFromHTTP2(t, test.block, !test.open, test.pseudo...)
			var refused *Error
			switch {
			case test.status == malformed:
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("got %v, want it to be malformed", err)
				}
			case test.status == 200:
				if err != nil || string(r.Host) != "h" {
					t.Errorf("got %v, host %q", err, r.Host)
				}
			case !errors.As(err, &refused) || refused.Status != test.status:
				t.Errorf("got %v, want status %d", err, test.status)
			case string(r.Method) != test.pseudo[1]:
				t.Errorf("the method of a refused request is %q", r.Method)
			}
		})
	}
}

// TestContentLengthFromHTTP2 checks that none is added to replies that must not have it (RFC 9110 section 8.6).
func TestContentLengthFromHTTP2(t *testing.T) {
	for _, test := range []struct {
		status int
		length int64
		header string
		want   string
	}{
		{200, 0, "", "0"}, {200, 5, "", "5"}, {200, -1, "", ""}, {404, 0, "", "0"}, {200, 5, "5", "5"},
		{204, 0, "", ""}, {304, 0, "", ""}, {103, 0, "", ""}, {304, 0, "5", "5"},
	} {
		header := make(http.Header)
		if test.header != "" {
			header.Set("Content-Length", test.header)
		}
		var r Response
		if err := r.FromHTTP2(test.status, header, test.length); err != nil {
			t.Fatal(err)
		}
		if got := string(r.Value("content-length")); got != test.want {
			t.Errorf("status %d, length %d, field %q: got %q, want %q", test.status, test.length, test.header, got, test.want)
		}
	}
}
