package podcapture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/podcapture/agent"
)

// script is an agent as the executor sees it.
type script func(ctx context.Context, options remotecommand.StreamOptions) error

func (s script) Stream(options remotecommand.StreamOptions) error {
	return s(context.Background(), options)
}

func (s script) StreamWithContext(ctx context.Context, options remotecommand.StreamOptions) error {
	return s(ctx, options)
}

func header() []byte { return bytes.Repeat([]byte{0xa1}, headerLength) }

// listening sends the header, then one packet, and another when its input has ended.
func listening(ctx context.Context, options remotecommand.StreamOptions) error {
	_, _ = options.Stdout.Write(header())
	_, _ = options.Stdout.Write([]byte("packet"))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, options.Stdin)
	}()
	select {
	case <-ended:
		_, err := options.Stdout.Write([]byte(" last"))
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestTheEndOfTheContextLetsTheAgentSendWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := open(ctx, script(listening))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	got, err := io.ReadAll(stream)
	if err != nil || !bytes.Equal(got, append(bytes.Clone(header()), "packet last"...)) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsTheStream(t *testing.T) {
	ended := make(chan struct{})
	stream, err := open(t.Context(), script(func(ctx context.Context, options remotecommand.StreamOptions) error {
		defer close(ended)
		return listening(ctx, options)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("reading a closed stream: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the agent was not told")
	}
}

func TestAnAgentThatFailsSaysWhy(t *testing.T) {
	fails := func(code int, complaint string) script {
		return func(_ context.Context, options remotecommand.StreamOptions) error {
			_, _ = options.Stderr.Write([]byte("capture: " + complaint + "\n"))
			return exec.CodeExitError{Err: errors.New("command terminated"), Code: code}
		}
	}
	for name, c := range map[string]struct {
		executor    script
		want        string
		unsupported bool
	}{
		"a fault":       {fails(agent.ExitFailed, "no such interface"), "no such interface", false},
		"not supported": {fails(agent.ExitUnsupported, "the Pod's link can't be found"), "can't be found", true},
		"an early end":  {func(context.Context, remotecommand.StreamOptions) error { return nil }, "before it was running", false},
		"no connection": {func(context.Context, remotecommand.StreamOptions) error { return errors.New("refused") }, "refused", false},
		"half the header": {func(_ context.Context, o remotecommand.StreamOptions) error {
			_, err := o.Stdout.Write(header()[:7])
			return err
		}, "before it was running", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t.Context(), c.executor)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, clusters.ErrUnsupported) != c.unsupported {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestACaptureThatBreaksOffIsAnError(t *testing.T) {
	stream, err := open(t.Context(), script(func(_ context.Context, options remotecommand.StreamOptions) error {
		_, _ = options.Stdout.Write(header())
		_, _ = options.Stderr.Write([]byte("capture: the kernel dropped packets"))
		return exec.CodeExitError{Err: errors.New("command terminated"), Code: 1}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.ReadAll(stream); err == nil || !strings.Contains(err.Error(), "dropped") {
		t.Errorf("error %v", err)
	}
}
