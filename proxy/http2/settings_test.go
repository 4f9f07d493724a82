package http2

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
)

// TestTableSizeUpdate checks that a reduction of the dynamic table is acknowledged at the beginning of the next header
// block, once (RFC 9113 section 4.3.1): clients treat its absence as a COMPRESSION_ERROR.
func TestTableSizeUpdate(t *testing.T) {
	for name, test := range map[string]struct {
		sizes []uint32
		first int // the header block with a size update, or -1
	}{
		"0":                 {[]uint32{0}, 0},
		"100":               {[]uint32{100}, 0},
		"4095":              {[]uint32{4095}, 0},
		"4096":              {[]uint32{4096}, -1},
		"65536":             {[]uint32{65536}, -1},
		"reduced, enlarged": {[]uint32{0, 4096}, 0},
		"enlarged, reduced": {[]uint32{65536, 4096}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, testOptions(), func(s *Stream) {
					s.WriteHeader(103, nil, nil, false)
					ok(s)
				})
				for _, size := range test.sizes {
					c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: size})
				}
				c.received()
				c.get(1)
				c.get(3)
				if test.first == 0 {
					c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 0}) // it is 0 already
				}
				c.get(5)
				synctest.Wait()
				data, _ := c.conn.in.take()
				var begins []byte
				for framer := xhttp2.NewFramer(nil, strings.NewReader(string(data))); ; {
					frame, err := framer.ReadFrame()
					if err != nil {
						break
					}
					if headers, is := frame.(*xhttp2.HeadersFrame); is {
						begins = append(begins, headers.HeaderBlockFragment()[0])
					}
				}
				if len(begins) != 6 || bytes.IndexByte(begins, 0x20) != test.first || bytes.Count(begins, []byte{0x20}) > 1 {
					t.Errorf("the header blocks begin with %#x", begins)
				}
			})
		})
	}
}

// TestTableSizeUpdateOfTrailers checks that a reduction in the middle of a reply comes before its trailers.
func TestTableSizeUpdateOfTrailers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resume := make(chan struct{})
		c := connect(t, testOptions(), func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			s.Flush()
			<-resume
			s.End(fields(t, "X-Trailer: 1\r\n"))
		})
		c.get(1)
		c.expect("HEADERS(1) status=200")
		c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 0})
		c.expect("SETTINGS ack")
		close(resume)
		synctest.Wait()
		if data, _ := c.conn.in.take(); len(data) < 10 || data[9] != 0x20 {
			t.Errorf("the trailers are %x", data)
		}
	})
}

// TestSmallWindows is a client that opens the window by a byte now and then (CVE-2019-9511).
func TestSmallWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		ended := make(chan error, 1)
		c := connect(t, options, func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			ended <- s.WriteData(make([]byte, 100<<10))
			s.Abort()
		})
		c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0})
		c.get(1)
		start := time.Now()
		for len(ended) == 0 {
			c.WriteWindowUpdate(1, 1)
			c.received()
			time.Sleep(100 * time.Millisecond)
			if time.Since(start) > 10*options.Body {
				t.Fatal("the reply is still being sent")
			}
		}
		if err := <-ended; err == nil || time.Since(start) < options.Body/2 {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

// TestSlowClient accepts little at a time, but enough in the end, and pauses for long in between.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		ended := make(chan error, 1)
		c := connect(t, options, func(s *Stream) {
			s.WriteHeader(200, nil, nil, false)
			if err := s.WriteData(make([]byte, 100<<10)); err != nil {
				ended <- err
				return
			}
			ended <- s.End(nil)
		})
		c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0})
		c.WriteWindowUpdate(0, 1<<20)
		c.get(1)
		for len(ended) == 0 {
			time.Sleep(options.Body * 9 / 10)
			c.WriteWindowUpdate(1, stallBytes)
			c.received()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWaitingForEvents checks that time in which the endpoint sends nothing does not count as waiting for the client.
func TestWaitingForEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := testOptions()
		ended := make(chan error, 1)
		c := connect(t, options, func(s *Stream) {
			err := s.WriteHeader(200, nil, nil, false)
			for range 20 {
				time.Sleep(options.Body)
				if err == nil {
					err = s.WriteData([]byte("event"))
				}
				if err == nil {
					err = s.Flush()
				}
			}
			ended <- err
		})
		c.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 4})
		c.get(1)
		for len(ended) == 0 {
			for _, text := range c.received() {
				if text == "DATA(1) 4" {
					time.Sleep(options.Body / 30)
					c.WriteWindowUpdate(1, 5)
				}
			}
			time.Sleep(options.Body / 10)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
