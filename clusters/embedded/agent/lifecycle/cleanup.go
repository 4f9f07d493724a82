package lifecycle

import (
	"context"
	"errors"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// cleanUpTimeout bounds one try to take a Pod apart.
const cleanUpTimeout = 20 * time.Second

// cleanUp takes apart what setUp made. It tries until it works, as nobody else will.
func (w *Worker) cleanUp() {
	ctx := context.WithoutCancel(w.ctx)
	told := false
	for delay := firstRetry; ; delay = min(2*delay, mostRetry) {
		err := w.takeApart(ctx)
		if err == nil {
			break
		}
		w.log.Error("cleaning up after the Pod", "error", err)
		if !told {
			told = true
			w.event(corev1.EventTypeWarning, eventKillPod, "error cleaning up: %v", err)
		}
		if w.ctx.Err() != nil {
			break // the whole machine is about to go
		}
		time.Sleep(delay)
	}
	w.node.Objects.Release(w.held)
}

func (w *Worker) takeApart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanUpTimeout)
	defer cancel()
	w.endHolder()
	w.mu.Lock()
	box := w.sandbox
	w.ready = false
	w.mu.Unlock()
	var errs []error
	if box != nil {
		if err := box.Close(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	w.volMu.Lock()
	defer w.volMu.Unlock()
	if err := w.volumes.Teardown(); err != nil {
		return errors.Join(append(errs, err)...)
	}
	if err := os.RemoveAll(w.dir); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
