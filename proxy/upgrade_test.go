package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ingress-testbed/testbed/proxy"
)

// echoMessages answers each WebSocket message with itself. Pings are answered by the library.
func echoMessages(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{EnableCompression: true, Subprotocols: []string{"chat"}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

// TestWebSocket goes through what RFC 6455 has: text and binary, all length encodings, fragments with a ping between
// them, compression, close codes both ways.
func TestWebSocket(t *testing.T) {
	s := one(t, proxy.Config{}, echoMessages)
	dial := func(t *testing.T) *websocket.Conn {
		dialer := websocket.Dialer{EnableCompression: true, Subprotocols: []string{"chat"}}
		conn, reply, err := dialer.Dial("ws://"+s.plain+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if reply.StatusCode != http.StatusSwitchingProtocols || conn.Subprotocol() != "chat" {
			t.Errorf("got %v, protocol %q", reply, conn.Subprotocol())
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		return conn
	}
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20} {
		for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
			t.Run(fmt.Sprintf("kind %d, %d bytes", kind, size), func(t *testing.T) {
				conn := dial(t)
				sent := bytes.Repeat([]byte("x"), size)
				if err := conn.WriteMessage(kind, sent); err != nil {
					t.Fatal(err)
				}
				gotKind, got, err := conn.ReadMessage()
				if err != nil || gotKind != kind || !bytes.Equal(got, sent) {
					t.Errorf("got kind %d, %d bytes, %v", gotKind, len(got), err)
				}
			})
		}
	}
	t.Run("fragments and a ping", func(t *testing.T) {
		conn := dial(t)
		pong := make(chan string, 3)
		conn.SetPongHandler(func(data string) error { pong <- data; return nil })
		w, err := conn.NextWriter(websocket.TextMessage)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // more than the write buffer: each is a frame
			io.WriteString(w, strings.Repeat("x", 5000))
			if err := conn.WriteControl(websocket.PingMessage, []byte("p"), time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		if _, got, err := conn.ReadMessage(); err != nil || len(got) != 15000 {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if got := <-pong; got != "p" {
			t.Errorf("got the pong %q", got)
		}
	})
	for _, code := range []int{websocket.CloseNormalClosure, websocket.CloseGoingAway, 3000, 4999} {
		t.Run(fmt.Sprintf("close with %d", code), func(t *testing.T) {
			conn := dial(t)
			message := websocket.FormatCloseMessage(code, "bye")
			if err := conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, code) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("many at once", func(t *testing.T) {
		var group sync.WaitGroup
		for range 20 {
			conn := dial(t)
			group.Go(func() {
				for i := range 20 {
					sent := fmt.Sprint("message ", i)
					if err := conn.WriteMessage(websocket.TextMessage, []byte(sent)); err != nil {
						t.Error(err)
						return
					}
					if _, got, err := conn.ReadMessage(); err != nil || string(got) != sent {
						t.Errorf("got %q, %v", got, err)
						return
					}
				}
			})
		}
		group.Wait()
	})
}

func TestUpgradeThatIsDeclined(t *testing.T) {
	s := one(t, proxy.Config{}, named("no"))
	c := s.dial(t)
	for range 2 {
		c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK || body != "no" {
			t.Errorf("got %v, %q", reply, body)
		}
	}
}

// TestUpgradesPastTheRoutesAreNotPassedOn has an endpoint that might agree to a protocol with further requests, which the
// proxy would not see.
func TestUpgradesPastTheRoutesAreNotPassedOn(t *testing.T) {
	s := one(t, proxy.Config{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q %q %q", r.Header["Upgrade"], r.Header["Connection"], r.Header["Http2-Settings"])
	})
	for offer, want := range map[string]string{
		"h2c": "[] [] []", "HTTP/2.0": "[] [] []", "TLS/1.0": "[] [] []", "websocket, h2c": "[] [] []",
		"x/1": `["x/1"] ["upgrade"] []`,
	} {
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", offer)
		if _, body := c.reply("GET"); body != want {
			t.Errorf("%s: the endpoint saw %s, want %s", offer, body, want)
		}
	}
}
