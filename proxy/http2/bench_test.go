package http2

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// benchmarkClient sends requests as fast as they are answered.
type benchmarkClient struct {
	net.Conn
	framer *xhttp2.Framer
	block  []byte
	id     uint32
}

func newBenchmarkClient(b *testing.B, conn net.Conn) *benchmarkClient {
	c := &benchmarkClient{Conn: conn, framer: xhttp2.NewFramer(conn, conn), id: 1}
	c.framer.SetReuseFrames()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSize(0)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/some/path"}, {":authority", "www.example.com"},
		{"user-agent", "benchmark/1.0"}, {"accept", "*/*"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			b.Fatal(err)
		}
	}
	c.block = block.Bytes()
	io.WriteString(conn, xhttp2.ClientPreface)
	c.framer.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1<<31 - 1})
	c.framer.WriteWindowUpdate(0, 1<<30)
	return c
}

// send writes so many requests.
func (c *benchmarkClient) send(n int, ends bool) {
	var out bytes.Buffer
	framer := xhttp2.NewFramer(&out, nil)
	for range n {
		framer.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: c.id, EndStream: ends, EndHeaders: true, BlockFragment: c.block})
		c.id += 2
	}
	c.Write(out.Bytes())
}

// await reads until so many replies have ended.
func (c *benchmarkClient) await(b *testing.B, n int) {
	for n > 0 {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			b.Error(err)
			return
		}
		kind := frame.Header().Type
		if (kind == xhttp2.FrameData || kind == xhttp2.FrameHeaders) && frame.Header().Flags.Has(xhttp2.FlagDataEndStream) {
			n--
		}
		if kind == xhttp2.FrameData && frame.Header().Length > 0 {
			c.framer.WriteWindowUpdate(0, frame.Header().Length)
		}
	}
}

func loopback(b *testing.B) (client, server net.Conn) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		b.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		b.Fatal(err)
	}
	return client, server
}

// BenchmarkRequests serves requests with short replies, so many at once.
func BenchmarkRequests(b *testing.B) {
	lines := []byte("Content-Type: text/plain\r\nContent-Length: 13\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n")
	body := []byte("hello, world\n")
	serve := func(s *Stream) {
		if s.WriteHeader(200, nil, lines, false) == nil && s.WriteData(body) == nil {
			s.End(nil)
		}
	}
	for name, parallel := range map[string]int{"1": 1, "10": 10, "100": 100} {
		b.Run(name, func(b *testing.B) {
			client, server := loopback(b)
			var served sync.WaitGroup
			conn := New(server, nil, testOptions(), func() func(*Stream) { return serve })
			served.Go(conn.Serve)
			c := newBenchmarkClient(b, client)
			b.ReportAllocs()
			for done := 0; done < b.N; done += parallel {
				c.send(parallel, true)
				c.await(b, parallel)
			}
			client.Close()
			served.Wait()
		})
	}
}

// BenchmarkDownload sends replies of 1 MiB.
func BenchmarkDownload(b *testing.B) {
	piece := make([]byte, 64<<10)
	client, server := loopback(b)
	var served sync.WaitGroup
	conn := New(server, nil, testOptions(), func() func(*Stream) {
		return func(s *Stream) {
			err := s.WriteHeader(200, nil, nil, false)
			for i := 0; i < 16 && err == nil; i++ {
				err = s.WriteData(piece)
			}
			s.End(nil)
		}
	})
	served.Go(conn.Serve)
	c := newBenchmarkClient(b, client)
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		c.send(1, true)
		c.await(b, 1)
	}
	client.Close()
	served.Wait()
}

// BenchmarkUpload reads requests of 192 KiB.
func BenchmarkUpload(b *testing.B) {
	client, server := loopback(b)
	var served sync.WaitGroup
	conn := New(server, nil, testOptions(), func() func(*Stream) {
		return func(s *Stream) {
			for {
				if _, err := s.Next(); err != nil {
					break
				}
			}
			ok(s)
		}
	})
	served.Go(conn.Serve)
	c := newBenchmarkClient(b, client)
	var out bytes.Buffer
	framer := xhttp2.NewFramer(&out, nil)
	piece := make([]byte, 16<<10)
	b.SetBytes(192 << 10)
	b.ReportAllocs()
	for b.Loop() {
		id := c.id
		c.send(1, false)
		out.Reset()
		for i := range 12 {
			framer.WriteData(id, i == 11, piece)
		}
		c.Write(out.Bytes())
		c.await(b, 1)
	}
	client.Close()
	served.Wait()
}

// BenchmarkIdleConnection reports what connections cost that have served so many replies of 60 KiB at the same time, and are idle
// now. Only the server's side is counted.
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 50
	for name, parallel := range map[string]int{"1": 1, "100": 100} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				bytes, goroutines := idleCost(b, connections, parallel)
				b.ReportMetric(bytes, "bytes/conn")
				b.ReportMetric(goroutines, "goroutines/conn")
			}
		})
	}
}

func idleCost(b *testing.B, connections, parallel int) (size, goroutines float64) {
	content := make([]byte, 60<<10)
	measure := func() (uint64, int) {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc + stats.StackInuse, runtime.NumGoroutine()
	}
	sizeBefore, goroutinesBefore := measure()
	var served sync.WaitGroup
	var ends []*memConn
	for range connections {
		clientEnd, serverEnd := memPipe()
		var together sync.WaitGroup
		together.Add(parallel)
		conn := New(serverEnd, nil, testOptions(), func() func(*Stream) {
			return func(s *Stream) {
				together.Done()
				together.Wait() // so that each needs a worker
				if s.WriteHeader(200, nil, nil, false) == nil && s.WriteData(content) == nil {
					s.End(nil)
				}
			}
		})
		served.Go(conn.Serve)
		c := newBenchmarkClient(b, clientEnd)
		c.send(parallel, true)
		c.await(b, parallel)
		conn.awaitIdle()
		ends = append(ends, clientEnd)
		for range 10000 { // the workers may still be ending
			if runtime.NumGoroutine() <= goroutinesBefore+len(ends) {
				break
			}
			runtime.Gosched()
		}
	}
	sizeAfter, goroutinesAfter := measure()
	for _, end := range ends {
		end.Close()
	}
	served.Wait()
	return float64(int64(sizeAfter)-int64(sizeBefore)) / float64(connections),
		float64(goroutinesAfter-goroutinesBefore) / float64(connections)
}

// awaitIdle returns when all requests have ended and trim has released what it can.
func (c *Conn) awaitIdle() {
	for running := true; running; runtime.Gosched() {
		c.mu.Lock()
		running = c.workers.running > 0
		c.mu.Unlock()
	}
	c.trim()
	c.trim()
}
