package policy

import (
	"testing"
	"time"
)

func TestAffinity(t *testing.T) {
	for want, affinity := range map[string]Affinity{
		"s=t; Path=/; HttpOnly": {Cookie: "s"},
		"s=t; Path=/a; Max-Age=60; HttpOnly; SameSite=Lax; Secure": {Cookie: "s", Path: "/a", MaxAge: time.Minute, SameSite: "Lax", Secure: true},
		"s=t; Path=/; HttpOnly; SameSite=None; Secure":             {Cookie: "s", SameSite: "None"},
	} {
		chain := compile(t, affinity)
		if chain.Settings.Affinity == nil || *chain.Settings.Affinity != affinity {
			t.Errorf("got %+v", chain.Settings)
		}
		r := newRequest(t, "/", "h")
		chain.Reply(r, newReply(t, ""))
		if len(r.ReplyLines) > 0 {
			t.Errorf("a session that goes on: got %q", r.ReplyLines)
		}
		r.Session = "t"
		chain.Reply(r, nil)
		if len(r.ReplyLines) > 0 {
			t.Errorf("a reply of the proxy: got %q", r.ReplyLines)
		}
		chain.Reply(r, newReply(t, ""))
		if got := string(r.ReplyLines); got != "Set-Cookie: "+want+"\r\n" {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
