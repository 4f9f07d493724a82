package policy

import "testing"

func TestHSTS(t *testing.T) {
	chain := compile(t, HSTS{"max-age=1"})
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
