package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// clientURLs are that of a client of HTTP/1.1 and that of one of HTTP/2.
func clientURLs() []string { return []string{"http://h/", "https://h/"} }

func TestSuspectFieldsDoNotReachEndpoints(t *testing.T) {
	seen := make(chan http.Header, 1)
	s := one(t, proxy.Config{}, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	for _, url := range clientURLs() {
		s.get(t, url, "X_Forwarded_For", "6.6.6.6", "X-Forwarded_Proto", "https", "Transfer_Encoding", "chunked", "A.b", "c",
			"Proxy", "http://evil", "X-Fine", "yes")
		got := <-seen
		for _, name := range []string{"X_forwarded_for", "X-Forwarded_proto", "Transfer_encoding", "A.b", "Proxy"} {
			if len(got[name]) > 0 {
				t.Errorf("%s: the endpoint sees %s", url, name)
			}
		}
		if got.Get("X-Fine") != "yes" {
			t.Errorf("%s: the endpoint sees %v", url, got)
		}
	}
}

// TestClaimsOfClientsDoNotReachEndpoints: what a client says about itself in fields that the proxy does not replace is
// removed, and forwarded from proxies that are trusted.
func TestClaimsOfClientsDoNotReachEndpoints(t *testing.T) {
	claims := []string{
		"Forwarded", "for=6.6.6.6;proto=https", "X-Forwarded-Prefix", "/x", "X-Forwarded-Ssl", "on", "True-Client-Ip", "6.6.6.6",
	}
	seen := make(chan http.Header, 1)
	table := toAll(upstream("u", backend(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })))
	s := serve(t, proxy.Config{}, table)
	for _, trusted := range []bool{false, true} {
		if trusted {
			next := *table
			next.Forwarded = route.Forwarded{TrustHeaders: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
			s.Apply(&next)
		}
		for _, url := range clientURLs() {
			s.get(t, url, claims...)
			got := <-seen
			for i := 0; i < len(claims); i += 2 {
				if name := claims[i]; (got.Get(name) != "") != trusted {
					t.Errorf("%s, trusted %t: the endpoint sees %s: %q", url, trusted, name, got[name])
				}
			}
		}
	}
}

// TestSchemeOfTheTargetIsNotBelieved: an absolute target, or :scheme, may say https over a connection in plain text. It
// is served, and the endpoint gets the scheme of the connection, and no Via.
func TestSchemeOfTheTargetIsNotBelieved(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Forwarded-Proto")+" "+r.Header.Get("X-Scheme")+" "+r.Header.Get("Via"))
	})
	c := s.dial(t)
	c.send("GET https://a/x HTTP/1.1\r\nHost: a\r\n\r\n")
	if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK || body != "http http " {
		t.Errorf("got %v, %q", reply, body)
	}
	f := s.frames(t)
	f.headers(1, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "h")
	if err := f.await(func(frame http2.Frame) bool {
		data, is := frame.(*http2.DataFrame)
		if is && string(data.Data()) != "http http " {
			t.Errorf("HTTP/2: got %q", data.Data())
		}
		return is
	}); err != nil {
		t.Error(err)
	}
}

func TestOnlyAllowedTrailersAreForwarded(t *testing.T) {
	names := []string{"Authorization", "X_forwarded_for", "Content-Type", "Set-Cookie", "Forwarded", "Cookie", "X-Sum"}
	seen := make(chan http.Header, 1)
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		seen <- r.Trailer
		io.WriteString(w, "body")
		w.(http.Flusher).Flush() // else it sends a length, and no trailers
		for _, name := range names {
			w.Header().Set(http.TrailerPrefix+name, "x")
		}
	})
	for _, url := range clientURLs() {
		request, err := http.NewRequest(http.MethodPost, url, io.MultiReader(strings.NewReader("body")))
		if err != nil {
			t.Fatal(err)
		}
		request.Trailer = make(http.Header)
		for _, name := range names {
			request.Trailer[name] = []string{"x"}
		}
		reply, err := s.client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(reply.Body); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		reply.Body.Close()
		for side, trailers := range map[string]http.Header{"endpoint": <-seen, "client": reply.Trailer} {
			var got []string
			for name, values := range trailers {
				if len(values) > 0 { // else it was announced, but not sent
					got = append(got, name)
				}
			}
			want := []string{"X-Sum"}
			if side == "client" { // metadata of gRPC may have underscores
				want = append(want, "X_forwarded_for")
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: the %s gets the trailers %q, want %q", url, side, got, want)
			}
		}
	}
}

func TestMaxForwards(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", "by the endpoint")
		io.WriteString(w, r.Header.Get("Max-Forwards"))
	})
	const allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	for _, url := range clientURLs() {
		for _, c := range []struct {
			method, limit string
			status        int
			allow, body   string
		}{
			{"OPTIONS", "0", 200, allowed, ""},
			{"OPTIONS", "10", 200, "by the endpoint", "9"},
			{"GET", "0", 200, "by the endpoint", "0"},
			{"TRACE", "0", 405, allowed, "Method Not Allowed\n"},
		} {
			request, err := http.NewRequest(c.method, url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Max-Forwards", c.limit)
			reply, err := s.client(t).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if err != nil || reply.StatusCode != c.status || reply.Header.Get("Allow") != c.allow || string(body) != c.body {
				t.Errorf("%s %s with %s: got %v, %q, %v", c.method, url, c.limit, reply, body, err)
			}
		}
	}
}
