package podcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/podcapture/agent"
	"github.com/ingress-testbed/testbed/internal/limitwriter"
)

const (
	// headerLength of a pcap file, which the agent writes when its capture is running.
	headerLength = 24
	// headerTimeout bounds the wait for it.
	headerTimeout = 20 * time.Second
	// drainTimeout bounds how long a stopping agent may send queued packets.
	drainTimeout = 10 * time.Second
	maxComplaint = 4 << 10
)

// start runs the agent's program on a node and waits until its capture is running.
func (a *Agents) start(ctx context.Context, node string, arguments []string) (io.ReadCloser, error) {
	target := a.config.Clientset.CoreV1().RESTClient().Post().
		Namespace(a.config.Namespace).Resource("pods").Name(podName(node)).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Command: append([]string{program}, arguments...), Stdin: true, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec).URL()
	executor, err := a.executor(target)
	if err != nil {
		return nil, err
	}
	return open(ctx, executor)
}

// executor uses WebSocket, or SPDY with API servers and proxies that don't support it.
func (a *Agents) executor(target *url.URL) (remotecommand.Executor, error) {
	websocket, err := remotecommand.NewWebSocketExecutor(a.config.REST, "GET", target.String())
	if err != nil {
		return nil, fmt.Errorf("preparing to run the agent: %w", err)
	}
	spdy, err := remotecommand.NewSPDYExecutor(a.config.REST, "POST", target)
	if err != nil {
		return nil, fmt.Errorf("preparing to run the agent: %w", err)
	}
	executor, err := remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to run the agent: %w", err)
	}
	return executor, nil
}

// open starts the program and reads the header. The stream then ends in either of two ways: when ctx is done, the
// agent's input ends, upon which it sends what it has and ends; Close ends the connection.
func open(ctx context.Context, executor remotecommand.Executor) (io.ReadCloser, error) {
	input, hangUp := io.Pipe()
	packets, output := io.Pipe()
	running, abort := context.WithCancel(context.WithoutCancel(ctx))
	complaint := limitwriter.New(maxComplaint)
	go func() {
		err := executor.StreamWithContext(running, remotecommand.StreamOptions{Stdin: input, Stdout: output, Stderr: complaint})
		abort()
		// The executor still reads from its input after the program has ended.
		_ = input.Close()
		_ = output.CloseWithError(explain(err, complaint.String())) // nil means the end of the stream
	}()
	s := &stream{packets: packets, abort: abort}
	s.forget = context.AfterFunc(ctx, func() {
		_ = hangUp.Close()
		time.AfterFunc(drainTimeout, abort)
	})
	header := make([]byte, headerLength)
	tooLate := time.AfterFunc(headerTimeout, abort)
	_, err := io.ReadFull(packets, header)
	if !tooLate.Stop() && err != nil {
		err = fmt.Errorf("the agent sent no data within %s", headerTimeout)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errEnded
	}
	if err != nil {
		_ = s.Close() // the error that led here is more specific
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	s.reader = io.MultiReader(bytes.NewReader(header), packets)
	return s, nil
}

// explain turns the exit of the agent's program into an error with its cause.
func explain(err error, complaint string) error {
	complaint = strings.TrimPrefix(strings.TrimSpace(complaint), "capture: ")
	var exit exec.CodeExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.Code == agent.ExitUnsupported:
		return fmt.Errorf("%s: %w", complaint, clusters.ErrUnsupported)
	case errors.As(err, &exit) && complaint != "":
		return errors.New(complaint)
	case complaint != "":
		return fmt.Errorf("%s: %w", complaint, err)
	}
	return fmt.Errorf("reading from the agent: %w", err)
}

// stream is a running capture.
type stream struct {
	reader  io.Reader
	packets *io.PipeReader
	abort   context.CancelFunc
	forget  func() bool
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if errors.Is(err, io.ErrClosedPipe) || errors.Is(err, context.Canceled) { // we ended it ourselves
		err = io.EOF
	}
	return n, err
}

// Close ends the capture. It may be called when the context has ended it already.
func (s *stream) Close() error {
	s.forget()
	s.abort()
	return s.packets.Close()
}
