package lifecycle

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/probe"
)

// postStart runs the hook and returns why it failed, which ends the container.
func (r *runner) postStart(ctx context.Context, current *run) string {
	c := r.spec()
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil {
		return ""
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a hook need not outlive what it belongs to
		select {
		case <-current.process.Done():
		case <-r.stop.set:
		case <-ctx.Done():
		}
		cancel()
	}()
	err := r.hook(ctx, current, c.Lifecycle.PostStart)
	if err == nil || ctx.Err() != nil {
		return ""
	}
	r.event(corev1.EventTypeWarning, eventPostStart, "PostStartHook failed: %v", err)
	return fmt.Sprintf("PostStartHook failed: %v", err)
}

// preStop runs the hook, for as long as the container may take to end. Its failure changes nothing.
func (r *runner) preStop(current *run, by *deadline) {
	c := r.spec()
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithCancel(r.worker.ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.hook(ctx, current, c.Lifecycle.PreStop); err != nil && ctx.Err() == nil {
			r.event(corev1.EventTypeWarning, eventPreStop, "PreStopHook failed: %v", err)
		}
	}()
	go func() {
		select {
		case <-current.process.Done():
			cancel()
		case <-ended:
		}
	}()
	if !by.waitFor(ended) {
		cancel()
		<-ended
	}
}

func (r *runner) hook(ctx context.Context, current *run, h *corev1.LifecycleHandler) error {
	switch {
	case h.Exec != nil:
		code, output, err := execCaptured(ctx, current, h.Exec.Command)
		if err == nil && code != 0 {
			err = fmt.Errorf("command %q exited with %d: %s", h.Exec.Command, code, output)
		}
		return err
	case h.HTTPGet != nil:
		return r.getHook(ctx, current, h.HTTPGet)
	case h.Sleep != nil:
		timer := time.NewTimer(time.Duration(h.Sleep.Seconds) * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return nil
	}
	return fmt.Errorf("hook has no kind that this node knows")
}

func (r *runner) getHook(ctx context.Context, current *run, action *corev1.HTTPGetAction) error {
	request, err := probe.Request(ctx, action, r.target(current))
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "kube-lifecycle/1")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	const mostBody = 64 << 10
	io.Copy(io.Discard, io.LimitReader(reply.Body, mostBody)) //nolint:errcheck // the status counts
	if reply.StatusCode < http.StatusOK || reply.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("HTTP status %d", reply.StatusCode)
	}
	return nil
}
