//go:build linux

package containers

import (
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

// output copies a container's output to attached clients. A slow client makes the container wait, as a terminal would.
type output struct {
	mu      sync.Mutex
	clients map[*client]bool
}

// client is an attached client; a nil writer discards that stream.
type client struct {
	stdout, stderr io.Writer
	gone           func() // called when a write fails
}

// stream returns a writer for stdout or stderr.
func (o *output) stream(name string) io.Writer {
	if name == crilog.Stderr {
		return outputStream{o, func(c *client) io.Writer { return c.stderr }}
	}
	return outputStream{o, func(c *client) io.Writer { return c.stdout }}
}

type outputStream struct {
	output *output
	of     func(*client) io.Writer
}

// Write never fails: a client that can't be written to is removed.
func (s outputStream) Write(p []byte) (int, error) {
	for _, c := range s.output.attached() {
		to := s.of(c)
		if to == nil {
			continue
		}
		if _, err := to.Write(p); err != nil {
			s.output.remove(c)
			c.gone()
		}
	}
	return len(p), nil
}

func (o *output) attached() []*client {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Keys(o.clients))
}

func (o *output) add(c *client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.clients == nil {
		o.clients = map[*client]bool{}
	}
	o.clients[c] = true
}

func (o *output) remove(c *client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.clients, c)
}

// input is a container's standard input, to which attached clients write.
type input struct {
	file *os.File // nil without one
	once bool     // closed when the first client leaves (stdinOnce)
}

func newInput(file *os.File, once bool) *input { return &input{file, once} }

// copyFrom copies the input of an attached client until its end, and reports whether the container's is closed then.
func (i *input) copyFrom(from io.Reader) (closed bool) {
	if i.file == nil {
		return true
	}
	io.Copy(i.file, from) //nolint:errcheck // either end may go first
	if i.once {
		i.file.Close()
	}
	return i.once
}
