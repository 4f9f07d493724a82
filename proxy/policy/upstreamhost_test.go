package policy

import "testing"

func TestUpstreamHost(t *testing.T) {
	chain, r := compile(t, UpstreamHost{"inner.local"}), newRequest(t, "/", "h")
	if reply, answered := chain.Request(r); answered || r.UpstreamHost != "inner.local" || string(r.Message.Host) != "h" {
		t.Errorf("got %v, %t, %q", reply, answered, r.UpstreamHost)
	}
	if r.Reset(); r.UpstreamHost != "" {
		t.Error("the next request has the host, too")
	}
}
