package lifecycle

import (
	"io"
	"os"
	"sync"

	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

// output hands a container's output to those who are attached, beside the log. A listener that is slow makes the
// container wait, as a terminal would.
type output struct {
	mu        sync.Mutex
	listeners map[*listener]bool
}

// listener is somebody attached; a nil writer means no interest in that stream.
type listener struct {
	stdout, stderr io.Writer
	gone           func()
}

// stream is what a container's stream is copied to.
func (o *output) stream(name string) io.Writer {
	if name == crilog.Stderr {
		return outputStream{o, func(l *listener) io.Writer { return l.stderr }}
	}
	return outputStream{o, func(l *listener) io.Writer { return l.stdout }}
}

type outputStream struct {
	output *output
	of     func(*listener) io.Writer
}

// Write never fails: a listener whose connection is gone is forgotten.
func (s outputStream) Write(p []byte) (int, error) {
	s.output.mu.Lock()
	defer s.output.mu.Unlock()
	for l := range s.output.listeners {
		to := s.of(l)
		if to == nil {
			continue
		}
		if _, err := to.Write(p); err != nil {
			delete(s.output.listeners, l)
			l.gone()
		}
	}
	return len(p), nil
}

func (o *output) add(l *listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.listeners == nil {
		o.listeners = map[*listener]bool{}
	}
	o.listeners[l] = true
}

func (o *output) remove(l *listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.listeners, l)
}

// input is a container's standard input, which those attached write to.
type input struct {
	file *os.File // nil without one
	once bool     // closed when the first who was attached leaves
}

func newInput(file *os.File, once bool) *input { return &input{file, once} }

// copyFrom hands over what an attached user types, until they leave.
func (i *input) copyFrom(from io.Reader) {
	if i.file == nil || from == nil {
		return
	}
	io.Copy(i.file, from) //nolint:errcheck // either end may go first
	if i.once {
		i.file.Close()
	}
}
