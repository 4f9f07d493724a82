package policy

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
)

func TestAffinity(t *testing.T) {
	for want, affinity := range map[string]Affinity{
		"s=t; Path=/; HttpOnly": {Cookie: "s"},
		"s=t; Max-Age=60; Domain=d.example; Path=/a; Secure; HttpOnly; SameSite=Lax": {
			Cookie: "s", Path: "/a", Domain: "d.example", MaxAge: "60", SameSite: "Lax", Secure: true,
		},
		"s=t; Path=/; HttpOnly; SameSite=None": {Cookie: "s", SameSite: "None"},
	} {
		chain := compile(t, affinity)
		if chain.Settings.Affinity == nil || *chain.Settings.Affinity != affinity {
			t.Errorf("got %+v", chain.Settings)
		}
		r := newRequest(t, "/", "h")
		r.Scheme = "http"
		chain.Reply(r, newReply(t, ""))
		if len(r.ReplyLines) > 0 {
			t.Errorf("a session that goes on: got %q", r.ReplyLines)
		}
		for _, reply := range []*message.Response{newReply(t, ""), nil} { // of the endpoint, and of the proxy for it
			r.Session, r.ReplyLines = "t", nil
			chain.Reply(r, reply)
			if got := string(r.ReplyLines); got != "Set-Cookie: "+want+"\r\n" {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}

func TestSessionCookieOverHTTPS(t *testing.T) {
	r := newRequest(t, "/", "h")
	r.Session = "t"
	chain := compile(t, Affinity{Cookie: "s"})
	chain.Reply(r, nil)
	if got := string(r.ReplyLines); got != "Set-Cookie: s=t; Path=/; Secure; HttpOnly\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestSessionCookieExpires(t *testing.T) {
	r := newRequest(t, "/", "h")
	r.Session = "t"
	now := time.Now()
	chain := compile(t, Affinity{Cookie: "s", Expires: time.Hour})
	chain.Reply(r, nil)
	_, rest, _ := strings.Cut(string(r.ReplyLines), "; Expires=")
	date, _, _ := strings.Cut(rest, ";")
	expires, err := http.ParseTime(date)
	if err != nil || expires.Before(now.Add(time.Hour-time.Second)) || expires.After(time.Now().Add(time.Hour)) {
		t.Errorf("got %q: %v", r.ReplyLines, err)
	}
}

func TestConditionalSameSite(t *testing.T) {
	for agent, misreads := range map[string]bool{
		"": false, "curl/8": false,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605":                                           true,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 13_0 like Mac OS X) AppleWebKit/605":                                           false,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Safari/605": true,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0 Safari/537.36": false,
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/50.0 Safari/537.36":                                                        false,
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/51.0 Safari/537.36":                                                        true,
		"Mozilla/5.0 (X11; Linux x86_64) Chromium/66.0 Safari/537.36":                                                      true,
		"Mozilla/5.0 (X11; Linux x86_64) Chrome/67.0 Safari/537.36":                                                        false,
		"Mozilla/5.0 (Linux) UCBrowser/12.13.1.1189 Mobile":                                                                true,
		"Mozilla/5.0 (Linux) UCBrowser/12.13.2.1005 Mobile":                                                                false,
		"Mozilla/5.0 (Linux) UCBrowser/11 Mobile":                                                                          true,
	} {
		if misreadsNone(agent) != misreads {
			t.Errorf("%q misreads SameSite=None: %t", agent, !misreads)
		}
	}
	r := newRequest(t, "/", "h")
	r.Session = "t"
	if err := r.Message.Parse([]byte("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: Chrome/60\r\n\r\n"), 9); err != nil {
		t.Fatal(err)
	}
	chain := compile(t, Affinity{Cookie: "s", SameSite: "None", CompatibleNone: true})
	chain.Reply(r, nil)
	if strings.Contains(string(r.ReplyLines), "SameSite") {
		t.Errorf("got %q", r.ReplyLines)
	}
}
