package http2

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestBodyInPieces checks that what is added comes out, whatever sizes it is added and taken in.
func TestBodyInPieces(t *testing.T) {
	for _, size := range []int{1, 7, 1000, minPiece, 5000, 16 << 10} {
		for _, ahead := range []int{1, 3, 20} { // frames that are added before one piece is taken
			var b body
			b.begin(-1)
			var sent, got []byte
			for len(sent) < 200<<10 {
				for range ahead {
					data := bytes.Repeat([]byte{byte(len(sent))}, size)
					b.add(data)
					sent = append(sent, data...)
				}
				b.returnLent()
				got = append(got, b.lend()...)
			}
			for rest := []byte{0}; rest != nil; {
				b.returnLent()
				rest = b.lend()
				got = append(got, rest...)
			}
			if !bytes.Equal(got, sent) || b.buffered() != 0 {
				t.Errorf("frames of %d bytes, %d ahead: got %d bytes, want %d; %d are left", size, ahead, len(got), len(sent), b.buffered())
			}
		}
	}
}

// TestUnreadBodyIsBounded checks that memory does not exceed the window by much.
func TestUnreadBodyIsBounded(t *testing.T) {
	for _, size := range []int{1, 100, 5000, 16 << 10} {
		var b body
		b.begin(-1)
		for added := 0; added < streamWindow; added += size {
			b.add(make([]byte, size))
		}
		held := 0
		for _, piece := range b.pieces {
			held += cap(piece)
		}
		if held > streamWindow+maxPiece {
			t.Errorf("frames of %d bytes: %d bytes of memory for %d", size, held, streamWindow)
		}
	}
	var b body
	b.begin(-1)
	if b.add([]byte("hello")); cap(b.pieces[0]) > minPiece {
		t.Errorf("%d bytes of memory for a body of five", cap(b.pieces[0]))
	}
}

// TestPaddingIsReturned checks that it does not use up the window of a stream whose content is not read.
func TestPaddingIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), untilGone(func(*Stream) {}))
		c.post(1)
		for range 4 * streamWindow / 256 {
			c.WriteDataPadded(1, false, []byte{0}, make([]byte, 255))
		}
		for _, text := range c.received() {
			if !strings.HasPrefix(text, "WINDOW_UPDATE(") {
				t.Fatalf("got %s", text)
			}
		}
	})
}

// TestNoWindowUpdateForClosedStreams checks that the pieces of a body that are returned late cause none.
func TestNoWindowUpdateForClosedStreams(t *testing.T) {
	for name, end := range map[string]func(c *client, s *Stream){
		"reset":   func(c *client, _ *Stream) { c.WriteRSTStream(1, 8) },
		"aborted": func(_ *client, s *Stream) { s.Abort() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				streams, resume := make(chan *Stream), make(chan struct{})
				c := connect(t, testOptions(), func(s *Stream) {
					streams <- s
					<-resume
				})
				c.post(1)
				s := <-streams
				for range streamWindow / 2 / 1000 {
					c.WriteData(1, false, make([]byte, 1000))
				}
				c.WriteData(1, false, make([]byte, 1000))
				synctest.Wait()
				for taken := 0; taken < streamWindow/2; { // the last piece stays lent
					piece, _ := s.Available()
					taken += len(piece)
				}
				c.expect()
				end(c, s)
				synctest.Wait()
				s.Available()
				close(resume)
				for _, text := range c.received() {
					if strings.HasPrefix(text, "WINDOW_UPDATE(1)") {
						t.Errorf("got %s", text)
					}
				}
			})
		})
	}
}

// TestReusedPieces checks that a body that is taken as it comes needs one piece.
func TestReusedPieces(t *testing.T) {
	var b body
	b.begin(-1)
	data := make([]byte, 16<<10)
	step := func() {
		b.add(data)
		b.returnLent()
		b.lend()
	}
	step()
	step()
	if allocated := testing.AllocsPerRun(100, step); allocated > 0 {
		t.Errorf("%v allocations for each frame", allocated)
	}
}

func TestReceiveWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pieces := make(chan []byte)
		c := connect(t, testOptions(), func(s *Stream) {
			for {
				piece, err := s.Next()
				if err != nil {
					if !errors.Is(err, ErrGone) {
						t.Error(err)
					}
					return
				}
				select {
				case pieces <- piece:
				case <-s.Context().Done():
				}
			}
		})
		c.post(1)
		c.WriteData(1, false, make([]byte, 100))
		if piece := <-pieces; len(piece) != 100 {
			t.Errorf("got a piece of %d bytes", len(piece))
		}
		for range streamWindow/(16<<10) - 1 {
			c.WriteData(1, false, make([]byte, 16<<10))
		}
		c.expect() // they were not taken
		taken := 0
		for taken < streamWindow-(16<<10) {
			taken += len(<-pieces)
		}
		// Half of the window was consumed, and one piece is lent.
		if got := c.received(); len(got) == 0 || got[0][:16] != "WINDOW_UPDATE(1)" {
			t.Errorf("got %q", got)
		}
		for range 40 {
			c.WriteData(1, false, make([]byte, 16<<10))
		}
		if got := c.received(); !slices.Contains(got, "RST_STREAM(1) FLOW_CONTROL_ERROR") {
			t.Errorf("got %q, want an error: the window of the stream is exceeded", got)
		}
	})
}

func TestConnectionWindowIsEnforced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, testOptions(), untilGone(func(*Stream) {}))
		for i := range uint32(4) {
			c.post(2*i + 1)
			for range streamWindow / (16 << 10) {
				c.WriteData(2*i+1, false, make([]byte, 16<<10))
			}
		}
		c.expect()
		c.post(9)
		c.WriteData(9, false, []byte{0})
		c.expectGoAway(3) // FLOW_CONTROL_ERROR
	})
}

// TestWindowIsReturnedByEndedRequests checks that unread content does not use up the window of the connection.
func TestWindowIsReturnedByEndedRequests(t *testing.T) {
	for name, end := range map[string]func(c *client, s *Stream){
		"reset":     func(c *client, s *Stream) { c.WriteRSTStream(s.id, 0) },
		"served":    func(*client, *Stream) {},
		"cancelled": func(_ *client, s *Stream) { s.CancelBody() },
		"aborted":   func(_ *client, s *Stream) { s.Abort() },
		"lent":      func(_ *client, s *Stream) { s.Available() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				streams, resume := make(chan *Stream), make(chan struct{})
				c := connect(t, testOptions(), func(s *Stream) {
					streams <- s
					<-resume
					ok(s)
				})
				id := uint32(1)
				for range 80 {
					c.post(id)
					s := <-streams
					for range streamWindow / (16 << 10) {
						c.WriteData(id, false, make([]byte, 16<<10))
					}
					synctest.Wait()
					end(c, s)
					synctest.Wait()
					resume <- struct{}{}
					if c.received(); c.closed {
						t.Fatalf("the connection was closed at stream %d", id)
					}
					id += 2
				}
			})
		})
	}
}

// TestReadsThatFail checks that a read ends when there is nothing to wait for any more.
func TestReadsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(c *client, s *Stream)
		want error
	}{
		"reset":     {func(c *client, _ *Stream) { c.WriteRSTStream(1, 0) }, ErrGone},
		"closed":    {func(c *client, _ *Stream) { c.conn.Close() }, ErrGone},
		"cancelled": {func(_ *client, s *Stream) { s.CancelBody() }, os.ErrDeadlineExceeded},
		"aborted":   {func(_ *client, s *Stream) { s.Abort() }, os.ErrDeadlineExceeded},
		"too slow":  {func(*client, *Stream) { time.Sleep(time.Minute) }, os.ErrDeadlineExceeded},
		"ended":     {func(c *client, _ *Stream) { c.WriteData(1, true, nil) }, io.EOF},
		"trailers":  {func(c *client, _ *Stream) { c.headers(1, true, "x-trailer", "1") }, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				streams, ended := make(chan *Stream, 1), make(chan struct{})
				c := connect(t, testOptions(), func(s *Stream) {
					streams <- s
					defer close(ended)
					for range 2 { // it fails again
						if _, err := s.Next(); !errors.Is(err, test.want) {
							t.Errorf("got %v, want %v", err, test.want)
						}
					}
					if s.Ended() != errors.Is(test.want, io.EOF) || len(s.Trailers()) == 1 != (name == "trailers") {
						t.Errorf("ended: %t, trailers: %d", s.Ended(), len(s.Trailers()))
					}
				})
				c.post(1)
				s := <-streams
				synctest.Wait()
				start := time.Now()
				test.end(c, s)
				<-ended
				if took := time.Since(start); name != "too slow" && took > time.Second {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

// TestDeclaredLength checks that a body of another size is an error of the stream (RFC 9113 section 8.1.1).
func TestDeclaredLength(t *testing.T) {
	for name, send := range map[string]func(*client){
		"too short":                func(c *client) { c.WriteData(1, true, []byte("hell")) },
		"too long":                 func(c *client) { c.WriteData(1, false, []byte("hello!")) },
		"too short, with trailers": func(c *client) { c.WriteData(1, false, []byte("hell")); c.headers(1, true, "a", "b") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), untilGone(func(*Stream) {}))
				c.headers(1, false, request("POST", "content-length", "5")...)
				send(c)
				c.expect("RST_STREAM(1) PROTOCOL_ERROR")
			})
		})
	}
}
