//go:build linux

package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/deadline"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/probe"
)

// hooks run the lifecycle hooks of a running container.
type hooks struct{ run *containerRun }

// postStart runs the hook and returns why it failed; "" if it did not.
func (h hooks) postStart(ctx context.Context) string {
	c := h.run.runner.definition()
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil {
		return ""
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the hook ends with the container
		select {
		case <-h.run.process.Done():
		case <-h.run.runner.stop.Set():
		case <-ctx.Done():
		}
		cancel()
	}()
	err := h.do(ctx, c.Lifecycle.PostStart)
	if err == nil || ctx.Err() != nil {
		return ""
	}
	h.run.runner.event(corev1.EventTypeWarning, eventPostStart, "PostStartHook failed: %v", err)
	return fmt.Sprintf("PostStartHook failed: %v", err)
}

// preStop runs the hook, until the deadline at most. A failure is only reported.
func (h hooks) preStop(ctx context.Context, by *deadline.Deadline) {
	c := h.run.runner.definition()
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := h.do(ctx, c.Lifecycle.PreStop); err != nil && ctx.Err() == nil {
			h.run.runner.event(corev1.EventTypeWarning, eventPreStop, "PreStopHook failed: %v", err)
		}
	}()
	go func() {
		select {
		case <-h.run.process.Done():
			cancel()
		case <-ended:
		}
	}()
	if !by.Wait(ended) {
		cancel()
		<-ended
	}
}

func (h hooks) do(ctx context.Context, handler *corev1.LifecycleHandler) error {
	switch {
	case handler.Exec != nil:
		code, output, err := execCaptured(ctx, h.run, handler.Exec.Command)
		if err == nil && code != 0 {
			err = fmt.Errorf("command %q exited with %d: %s", handler.Exec.Command, code, output)
		}
		return err
	case handler.HTTPGet != nil:
		return h.httpGet(ctx, handler.HTTPGet)
	case handler.Sleep != nil:
		timer := time.NewTimer(time.Duration(handler.Sleep.Seconds) * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return nil
	}
	return errors.New("the hook has no handler that this node supports")
}

func (h hooks) httpGet(ctx context.Context, action *corev1.HTTPGetAction) error {
	request, err := probe.Request(ctx, action, h.run.probeTarget())
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "kube-lifecycle/1")
	err = send(request)
	if !errors.Is(err, http.ErrSchemeMismatch) {
		return err
	}
	// Earlier kubelets sent hooks without TLS whatever their scheme, so that servers may expect it.
	plain := request.Clone(ctx)
	plain.URL.Scheme = "http"
	plain.Header.Del("Authorization")
	if send(plain) != nil {
		return err
	}
	h.run.runner.event(corev1.EventTypeWarning, eventHTTPFallback,
		"request to HTTPS lifecycle hook %s got HTTP response, retry with HTTP succeeded", plain.URL.Host)
	return nil
}

// send sends the request of a hook. As with the kubelet, any reply is a success: hooks notify and don't check.
func send(request *http.Request) error {
	client := probe.NewClient(request.URL.Hostname())
	defer client.CloseIdleConnections()
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	const maxBody = 64 << 10
	io.Copy(io.Discard, io.LimitReader(reply.Body, maxBody)) //nolint:errcheck // so that the server can send it
	return nil
}
