package proxy_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
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
