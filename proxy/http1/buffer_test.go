package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// source gives the bytes of its steps, one step for each read at most, and records how large the reads are.
type source struct {
	steps [][]byte
	reads []int
}

func (s *source) Read(p []byte) (int, error) {
	s.reads = append(s.reads, len(p))
	if len(s.steps) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.steps[0])
	if s.steps[0] = s.steps[0][n:]; len(s.steps[0]) == 0 {
		s.steps = s.steps[1:]
	}
	return n, nil
}

// size is the size of the read that waits now, in the words of a test.
func (s *source) size() string {
	switch last := s.reads[len(s.reads)-1]; {
	case last <= smallBuffer:
		return "small"
	case last <= LargeBuffer:
		return "large"
	default:
		return fmt.Sprint(last)
	}
}

func filler(n int) []byte { return bytes.Repeat([]byte("x"), n) }

// TestReadsAreLargeWhileTheyFillTheBuffer steps through a body that comes in bursts: what waits must be small.
func TestReadsAreLargeWhileTheyFillTheBuffer(t *testing.T) {
	for name, c := range map[string]struct {
		head  string
		steps []int
		want  string // the sizes of the reads
	}{
		"events":       {"H\r\n\r\n", []int{10, 100, 1000, 10}, "small small small small small"},
		"a burst":      {"H\r\n\r\n", []int{10, 20000, 10}, "small small large small small"},
		"a long one":   {"H\r\n\r\n", []int{10, 200000, 10}, "small small large large large small small"},
		"a large head": {"H: " + strings.Repeat("x", 3500) + "\r\n\r\n", []int{10, 10}, "small small small"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &source{steps: [][]byte{[]byte(c.head)}}
			for _, n := range c.steps {
				s.steps = append(s.steps, filler(n))
			}
			var b Buffer
			b.Reset(s)
			head, err := b.ReadHeader(32 << 10)
			if err != nil {
				t.Fatal(err)
			}
			var body Body
			body.Start(&b, -1, false)
			var sizes []string
			read := 0
			for {
				piece, err := body.Next()
				sizes = append(sizes, s.size())
				read += len(piece)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			want := 0
			for _, n := range c.steps {
				want += n
			}
			if got := strings.Join(sizes, " "); got != c.want || read != want || string(head) != c.head {
				t.Errorf("the reads are %s, want %s; %d bytes of %d, the header %.10q", got, c.want, read, want, head)
			}
			if b.large != nil || len(b.data) > smallBuffer {
				t.Errorf("at the end it holds %d bytes", len(b.data))
			}
		})
	}
}

// TestIdleBufferIsSmall has headers and rests of all sizes before the wait for the next header.
func TestIdleBufferIsSmall(t *testing.T) {
	for _, size := range []int{10, 4000, 4090, 5000, 30 << 10, 70 << 10, 200 << 10} {
		for _, pipelined := range []int{0, 10, 5000, 90 << 10} {
			head := "H: " + strings.Repeat("x", size) + "\r\n\r\n"
			next := "N: " + strings.Repeat("y", pipelined) + "\r\n\r\n"
			s := &source{steps: [][]byte{[]byte(head + next + head), []byte("\r\n")}}
			var b Buffer
			b.Reset(s)
			for _, want := range []string{head, next, head} {
				if got, err := b.ReadHeader(300 << 10); err != nil || string(got) != want {
					t.Fatalf("%d, %d: got %.10q of %d bytes, %v, want %d bytes", size, pipelined, got, len(got), err, len(want))
				}
			}
			if _, err := b.ReadHeader(300 << 10); !errors.Is(err, io.EOF) {
				t.Errorf("%d, %d: got %v", size, pipelined, err)
			}
			if s.size() != "small" || b.large != nil || len(b.small) > smallBuffer || len(b.data) > smallBuffer {
				t.Errorf("%d, %d: it waits with %s, and holds %d bytes", size, pipelined, s.size(), len(b.data))
			}
		}
	}
}

// TestBareLFIsFoundAcrossReads has the CR and the LF in different reads, and a bare LF at the start of one.
func TestBareLFIsFoundAcrossReads(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  error
	}{
		{[]string{"a\r", "\nb\r", "\n\r", "\n"}, nil},
		{[]string{"a\r\nb", "\nc\r\n"}, ErrBareLF},
		{[]string{"a", "\n"}, ErrBareLF},
		{[]string{"\r", "\n\r\na\r\n\r", "\n"}, nil},
	} {
		s := &source{}
		for _, part := range c.parts {
			s.steps = append(s.steps, []byte(part))
		}
		var b Buffer
		b.Reset(s)
		if c.want != nil {
			s.steps = append(s.steps, filler(10)) // it is found before the next read
		}
		got, err := b.ReadHeader(100)
		if !errors.Is(err, c.want) || err == nil && string(got) != strings.TrimLeft(strings.Join(c.parts, ""), "\r\n") {
			t.Errorf("%q: got %q, %v", c.parts, got, err)
		}
	}
}

// TestLargeHeaderStaysValid has headers that need a large buffer, up to those that nearly fill it, before a body that
// comes in small pieces: the header's memory must not be given back before the next header is read.
func TestLargeHeaderStaysValid(t *testing.T) {
	for _, size := range []int{5000, 30 << 10, LargeBuffer - 500, LargeBuffer - 10, LargeBuffer, 100 << 10} {
		head := "H: " + strings.Repeat("h", size) + "\r\n\r\n"
		s := &source{steps: [][]byte{[]byte(head)}}
		for range 5 {
			s.steps = append(s.steps, filler(10))
		}
		s.steps = append(s.steps, filler(9000), filler(10))
		var b Buffer
		b.Reset(s)
		got, err := b.ReadHeader(200 << 10)
		if err != nil {
			t.Fatalf("%d: %v", size, err)
		}
		var body Body
		body.Start(&b, -1, false)
		read := 0
		for {
			piece, err := body.Next()
			overwriteFreeMemory()
			if len(bytes.Trim(piece, "x")) > 0 {
				t.Fatalf("%d: after %d bytes, got %.20q", size, read, piece)
			}
			read += len(piece)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != head || read != 9060 {
			t.Errorf("%d: after %d bytes the header is %.20q", size, read, got)
		}
	}
}

// FuzzBuffer reads messages that come in pieces of any size. While it does, memory that was given back is overwritten:
// what was handed out must not be in it.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 4, 255, 255}, uint32(5000), uint32(70000), uint16(700))
	f.Add([]byte{255}, uint32(3500), uint32(10), uint16(5))
	f.Add([]byte{9, 255, 40}, uint32(66000), uint32(200000), uint16(60000))
	f.Fuzz(func(t *testing.T, pieces []byte, headSize, bodySize uint32, last uint16) {
		headSize, bodySize = headSize%(80<<10), bodySize%(300<<10)
		heads := []string{"A: " + strings.Repeat("h", int(headSize)), "B: " + strings.Repeat("i", int(last))}
		text := heads[0] + "\r\n\r\n" + strings.Repeat("b", int(bodySize)) + heads[1] + "\r\n\r\n" + "rest"
		s := &source{}
		for rest, i := []byte(text), 0; len(rest) > 0; i++ {
			n := len(rest)
			if len(pieces) > 0 {
				p := int(pieces[i%len(pieces)])
				n = min(n, max(p*p*3, len(text)/1000)+1)
			}
			s.steps = append(s.steps, rest[:n])
			rest = rest[n:]
		}
		var b Buffer
		b.Reset(s)
		for i, size := range []uint32{bodySize, 4} {
			head, err := b.ReadHeader(100 << 10)
			if err != nil || string(head) != heads[i]+"\r\n\r\n" {
				t.Fatalf("header %d: got %d bytes, %v, want %d", i, len(head), err, len(heads[i])+4)
			}
			var body Body
			body.Start(&b, int64(size), false)
			read := 0
			for {
				piece, err := body.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				overwriteFreeMemory()
				if err != nil || len(bytes.Trim(piece, "restb")) > 0 {
					t.Fatalf("body %d: after %d bytes, got %.20q, %v", i, read, piece, err)
				}
				read += len(piece)
			}
			if read != int(size) || string(head) != heads[i]+"\r\n\r\n" {
				t.Fatalf("body %d: got %d bytes of %d; the header is %.10q then", i, read, size, head)
			}
		}
	})
}

// overwriteFreeMemory writes into what connections have given back.
func overwriteFreeMemory() {
	a, b := GetLarge(), GetLarge()
	a[0] = '!'
	for n := 1; n < len(a); n *= 2 {
		copy(a[n:], a[:n])
	}
	*b = *a
	PutLarge(a)
	PutLarge(b)
}

// BenchmarkReadHeaderByteByByte has the largest header come as slowly as it can.
func BenchmarkReadHeaderByteByByte(b *testing.B) {
	head := []byte("GET / HTTP/1.1\r\n" + strings.Repeat("A: "+strings.Repeat("x", 50)+"\r\n", 500) + "\r\n")
	for b.Loop() {
		rest := head
		var buffer Buffer
		buffer.Reset(readerFunc(func(p []byte) (int, error) {
			n := copy(p, rest[:1])
			rest = rest[n:]
			return n, nil
		}))
		if _, err := buffer.ReadHeader(32 << 10); err != nil {
			b.Fatal(err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
