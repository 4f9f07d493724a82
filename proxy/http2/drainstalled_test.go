package http2

import (
	"io"
	"net"
	"testing"
	"testing/synctest"

	xhttp2 "golang.org/x/net/http2"
)

// TestDrainDoesNotWaitForTheClient checks that a client that reads nothing does not hold up Drain and CloseIdle: the
// server calls them for one connection after the other.
func TestDrainDoesNotWaitForTheClient(t *testing.T) {
	for name, end := range map[string]func(*Conn){
		"drain":       (*Conn).Drain,
		"close, idle": func(c *Conn) { c.CloseIdle() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clientEnd, serverEnd := net.Pipe() // a write waits until it is read
				c := New(serverEnd, nil, testOptions(), func() func(*Stream) { return ok })
				served, ended := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(served)
					c.Serve()
				}()
				framer := xhttp2.NewFramer(clientEnd, clientEnd)
				for range 2 { // SETTINGS and WINDOW_UPDATE
					if _, err := framer.ReadFrame(); err != nil {
						t.Fatal(err)
					}
				}
				io.WriteString(clientEnd, xhttp2.ClientPreface)
				synctest.Wait()
				go func() {
					defer close(ended)
					end(c)
				}()
				synctest.Wait()
				select {
				case <-ended:
				default:
					t.Error("it waits for a client that reads nothing")
				}
				clientEnd.Close()
				<-served
				<-ended
			})
		})
	}
}
