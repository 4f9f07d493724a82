package proxy_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
)

// accessLog keeps what is written.
type accessLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *accessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *accessLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestRefusedHeaderHasNoMethodOfAnother checks that a header that can't be read is not taken for one with the method of
// the request before: its memory may be in use for other connections, and the reply to HEAD has no body.
func TestRefusedHeaderHasNoMethodOfAnother(t *testing.T) {
	log := new(accessLog)
	table := toAll(upstream("u", backend(t, func(http.ResponseWriter, *http.Request) {})))
	s, stop, ended := start(t, proxy.Config{AccessLog: log}, table, listen(t), nil)
	c := s.dial(t)
	c.send("HEAD /%s HTTP/1.1\r\nHost: h\r\n\r\n", strings.Repeat("a", 8<<10)) // which takes borrowed memory
	c.reply("HEAD")
	c.send("GET / HTTP/1.1\nHost: h\n\n")
	reply, body := c.reply("GET")
	if reply.StatusCode != http.StatusBadRequest || body != "Bad Request\n" {
		t.Errorf("got %d %q", reply.StatusCode, body)
	}
	c.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "HEAD"); n != 1 {
		t.Errorf("the access log has HEAD %d times: %.200q", n, log)
	}
}
