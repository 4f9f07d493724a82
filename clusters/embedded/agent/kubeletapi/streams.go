//go:build linux

package kubeletapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/cri-streaming/pkg/streaming"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/containers"
)

func (s *Server) exec(w http.ResponseWriter, r *http.Request) {
	pod, options, ok := s.stream(w, r)
	if !ok {
		return
	}
	command := r.URL.Query()["command"]
	if len(command) == 0 {
		s.fail(w, fmt.Errorf("%w: no command given", errBadRequest))
		return
	}
	d := streaming.DefaultConfig
	remotecommand.ServeExec(w, r, execIn{pod}, "", "", r.PathValue("container"), command, options,
		d.StreamIdleTimeout, d.StreamCreationTimeout, d.SupportedRemoteCommandProtocols)
}

func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	pod, options, ok := s.stream(w, r)
	if !ok {
		return
	}
	d := streaming.DefaultConfig
	remotecommand.ServeAttach(w, r, execIn{pod}, "", "", r.PathValue("container"), options,
		d.StreamIdleTimeout, d.StreamCreationTimeout, d.SupportedRemoteCommandProtocols)
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request) (Pod, *remotecommand.Options, bool) {
	pod, err := s.find(r)
	if err != nil {
		s.fail(w, err)
		return nil, nil, false
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		s.fail(w, fmt.Errorf("%w: %w", errBadRequest, err))
		return nil, nil, false
	}
	return pod, options, true
}

func (s *Server) portForward(w http.ResponseWriter, r *http.Request) {
	pod, err := s.find(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		s.fail(w, fmt.Errorf("%w: %w", errBadRequest, err))
		return
	}
	d := streaming.DefaultConfig
	portforward.ServePortForward(w, r, forwardTo{pod}, "", "", options,
		d.StreamIdleTimeout, d.StreamCreationTimeout, d.SupportedPortForwardProtocols)
}

// execIn adapts a Pod to the streaming library, which names containers in its own way.
type execIn struct{ pod Pod }

func (e execIn) ExecInContainer(ctx context.Context, _, _, container string, command []string, in io.Reader,
	out, err io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	return e.pod.Exec(ctx, container, command, streams(in, out, err, tty, resize))
}

func (e execIn) AttachContainer(ctx context.Context, _, _, container string, in io.Reader,
	out, err io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	return e.pod.Attach(ctx, container, streams(in, out, err, tty, resize))
}

// streams keeps missing streams nil: a nil stream in an interface would not be.
func streams(in io.Reader, out, err io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) containers.Streams {
	s := containers.Streams{TTY: tty, Resize: resize}
	if in != nil {
		s.In = in
	}
	if out != nil {
		s.Out = out
	}
	if err != nil {
		s.Err = err
	}
	return s
}

type forwardTo struct{ pod Pod }

func (f forwardTo) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	return f.pod.PortForward(ctx, port, stream)
}
