package policy

import "testing"

func TestRedirectToHTTPS(t *testing.T) {
	chain := compile(t, RedirectToHTTPS{})
	r := newRequest(t, "/a?b=c", "h:30080")
	if reply, answered := chain.Request(r); answered {
		t.Errorf("a request over HTTPS is answered with %v", reply)
	}
	r.Scheme, r.HTTPSPort = "http", 30443
	reply, answered := chain.Request(r)
	if got, want := string(r.ReplyLines), "Location: https://h:30443/a?b=c\r\n"; !answered || reply.Status != 308 || got != want {
		t.Errorf("got %v, %t, %q, want %q", reply, answered, got, want)
	}
}

func TestRedirectOfRequestsWithoutHost(t *testing.T) {
	chain := compile(t, RedirectToHTTPS{Unnamed: true})
	r := newRequest(t, "/a", "h")
	r.Scheme = "http"
	if reply, answered := chain.Request(r); answered {
		t.Errorf("a request with a host is answered with %v", reply)
	}
	r.Host = r.Host[:0]
	reply, answered := chain.Request(r)
	if got, want := string(r.ReplyLines), "Location: https://_/a\r\n"; !answered || reply.Status != 308 || got != want {
		t.Errorf("got %v, %t, %q, want %q", reply, answered, got, want)
	}
}
