package policy

import (
	"crypto/tls"
	"testing"
)

func TestHSTS(t *testing.T) {
	chain := compile(t, HSTS{Value: "max-age=1"})
	const line = "Strict-Transport-Security: max-age=1\r\n"
	r, reply := newRequest(t, "/", "h"), newReply(t, "A: b\r\nstrict-transport-security: max-age=0\r\n")
	chain.Reply(r, reply)
	if got := string(reply.AppendForwarded(nil)) + string(r.ReplyLines); got != "A: b\r\n"+line {
		t.Errorf("a reply of an endpoint: got %q", got)
	}
	r = newRequest(t, "/", "h")
	chain.Reply(r, nil)
	if got := string(r.ReplyLines); got != line {
		t.Errorf("a reply of the proxy: got %q", got)
	}
	r, reply = newRequest(t, "/", "h"), newReply(t, "Strict-Transport-Security: max-age=0\r\n")
	r.Scheme = "http"
	chain.Reply(r, reply)
	if got := string(reply.AppendForwarded(nil)) + string(r.ReplyLines); got != "Strict-Transport-Security: max-age=0\r\n" {
		t.Errorf("plain text: got %q", got)
	}
}

// TestHSTSOfOwnConnections has what Own leaves out.
func TestHSTSOfOwnConnections(t *testing.T) {
	chain := compile(t, HSTS{Value: "max-age=1", Own: true})
	for name, test := range map[string]struct {
		set  func(*Request)
		want string
	}{
		"TLS ends here":         {func(r *Request) { r.TLS = new(tls.ConnectionState) }, "Strict-Transport-Security: max-age=1\r\n"},
		"TLS ended before":      {func(r *Request) { r.TLS = nil }, ""},
		"no client certificate": {func(r *Request) { r.TLS, r.NoCertificate = new(tls.ConnectionState), true }, ""},
	} {
		r := newRequest(t, "/", "h")
		test.set(r)
		chain.Reply(r, nil)
		if got := string(r.ReplyLines); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
