package lifecycle

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// once runs the container once, from what it needs to how it ended. It is false if the container was never started,
// because it is to stop before it could be.
func (r *runner) once() (corev1.ContainerStateTerminated, bool) {
	spec, img, ok := r.prepare()
	if !ok {
		return corev1.ContainerStateTerminated{}, false
	}
	r.event(corev1.EventTypeNormal, eventPulled, "Container image %q already present on machine", r.spec().Image)
	logPath := r.logPath(r.attempt)
	log, err := crilog.Open(logPath, r.worker.node.LogLimits)
	if err != nil {
		return r.conclude("StartError", err.Error(), failedStart()), true
	}
	defer log.Close() //nolint:errcheck // nothing is buffered
	r.keepLogs(logPath)
	r.identify(img)
	process, err := r.worker.node.Launcher.Start(spec)
	if err != nil {
		r.event(corev1.EventTypeWarning, eventFailed, "Error: %v", err)
		return r.conclude("StartError", err.Error(), failedStart()), true
	}
	r.event(corev1.EventTypeNormal, eventCreated, "Created container: %s", r.name)
	r.event(corev1.EventTypeNormal, eventStarted, "Started container %s", r.name)
	current := &run{process: process, spec: spec, output: &output{}, tty: spec.TTY}
	current.input = newInput(process.Stdin, r.spec().StdinOnce)
	logged := r.logOutput(log, current)
	r.running(current)

	message := r.supervise(current)
	logged.Wait()
	process.Close()
	exit := process.Exit()
	if message == "" {
		message = terminationMessage(r.spec(), r.messageFile(), logPath, exit)
	}
	reason := "Error"
	if exit.Code == 0 {
		reason = "Completed"
	}
	return r.conclude(reason, message, exit), true
}

func failedStart() container.Exit {
	now := time.Now()
	return container.Exit{Code: 128, StartedAt: now, EndedAt: now}
}

// running takes note that the container runs, with a start time in the resolution that the API has.
func (r *runner) running(current *run) {
	r.mu.Lock()
	r.current = current
	r.mu.Unlock()
	r.update(func(c *podstatus.Container) {
		if c.State.Terminated != nil {
			c.Last = c.State
		}
		c.Restarts = r.attempt
		c.Started, c.Ready = false, false
		c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{
			StartedAt: metav1.NewTime(current.process.StartedAt()),
		}}
	})
}

// conclude takes note of the end.
func (r *runner) conclude(reason, message string, exit container.Exit) corev1.ContainerStateTerminated {
	ended := r.ended(reason, message, exit)
	r.mu.Lock()
	r.current = nil
	r.mu.Unlock()
	if err := os.RemoveAll(r.dir()); err != nil {
		r.worker.log.Warn("removing a container's files", "container", r.name, "error", err)
	}
	r.update(func(c *podstatus.Container) {
		if c.State.Terminated != nil {
			c.Last = c.State
		}
		c.Restarts = r.attempt
		c.Started, c.Ready = false, false
		c.State = corev1.ContainerState{Terminated: &ended}
	})
	return ended
}

// identify gives this run an ID and says which image it has.
func (r *runner) identify(img image.Image) {
	var id [32]byte
	rand.Read(id[:])
	r.update(func(c *podstatus.Container) {
		c.ID = "testbed://" + hex.EncodeToString(id[:])
		c.ImageName, c.ImageID = img.Name, img.ID
		if repository, _, ok := strings.Cut(img.Name, ":"); ok && img.Digest != "" {
			c.ImageID = repository + "@" + img.Digest
		}
	})
}

// prepare finds all that the container needs and waits for what isn't there yet. It is false if the container is to
// stop before that.
func (r *runner) prepare() (container.Spec, image.Image, bool) {
	told := ""
	for {
		if r.stop.isSet() {
			return container.Spec{}, image.Image{}, false
		}
		img, err := r.worker.node.Images.Get(r.spec().Image)
		reason := imageReason(r.spec(), err, told != "")
		if err == nil {
			var spec container.Spec
			if spec, err = r.containerSpec(img); err == nil {
				return spec, img, true
			}
			reason = "CreateContainerConfigError"
		}
		if told != err.Error() {
			r.event(corev1.EventTypeWarning, eventFailed, "Error: %s: %v", reason, err)
			told = err.Error()
		}
		r.waiting(reason, err.Error())
		if !r.sleep(time.Second) {
			return container.Spec{}, image.Image{}, false
		}
	}
}

// imageReason names what is wrong as the kubelet does, which knows a first and later failures.
func imageReason(c *corev1.Container, err error, again bool) string {
	switch {
	case errors.Is(err, image.ErrInvalidName):
		return "InvalidImageName"
	case c.ImagePullPolicy == corev1.PullNever:
		return "ErrImageNeverPull"
	case again:
		return "ImagePullBackOff"
	}
	return "ErrImagePull"
}

// sleep waits, less if an object has changed, and is false if the container is to stop.
func (r *runner) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.retry:
	case <-r.stop.set:
		return false
	}
	return true
}

// containerSpec builds the specification and makes the files that it refers to.
func (r *runner) containerSpec(img image.Image) (container.Spec, error) {
	w, c := r.worker, r.spec()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	services, err := w.node.services(w.Pod().Namespace)
	if err != nil {
		return container.Spec{}, err
	}
	spec, err := podspec.Build(podspec.Input{
		Pod: w.Pod(), Container: c, Image: img, Runtime: w.runtime(), Services: services,
		Objects: podObjects{ctx, w.node, w.Pod()},
	})
	if err != nil {
		return spec, err
	}
	if err := container.CheckUser(spec.User); err != nil {
		return spec, err
	}
	if spec.Namespaces, err = r.namespaces(); err != nil {
		return spec, err
	}
	spec.Scratch = filepath.Join(r.dir(), "scratch")
	if err := os.MkdirAll(spec.Scratch, 0o755); err != nil {
		return spec, fmt.Errorf("making the container's folder: %w", err)
	}
	if err := os.WriteFile(r.messageFile(), nil, 0o666); err != nil {
		return spec, fmt.Errorf("making the container's message file: %w", err)
	}
	if err := os.Chmod(r.messageFile(), 0o666); err != nil {
		return spec, fmt.Errorf("making the container's message file: %w", err)
	}
	w.volMu.Lock()
	defer w.volMu.Unlock()
	mounts, err := w.volumes.Mounts(w.Pod(), c, func(s string) string { return podspec.ExpandWith(s, spec.Env) })
	if err != nil {
		return spec, err
	}
	spec.Mounts = append(w.fileMounts(c), mounts...)
	if c.TerminationMessagePath != "" {
		spec.Mounts = append(spec.Mounts, container.Mount{Source: r.messageFile(), Destination: c.TerminationMessagePath})
	}
	// A mount below another one has to come after it.
	slices.SortStableFunc(spec.Mounts, func(a, b container.Mount) int {
		return strings.Count(filepath.Clean(a.Destination), "/") - strings.Count(filepath.Clean(b.Destination), "/")
	})
	return spec, nil
}

func (r *runner) messageFile() string { return filepath.Join(r.dir(), "termination-log") }

// logOutput copies the container's output to its log and to those who listen.
func (r *runner) logOutput(log *crilog.Log, current *run) *sync.WaitGroup {
	var logged sync.WaitGroup
	for stream, from := range map[string]*os.File{crilog.Stdout: current.process.Stdout, crilog.Stderr: current.process.Stderr} {
		if from == nil {
			continue
		}
		logged.Go(func() {
			if err := log.Copy(stream, from, current.output.stream(stream)); err != nil {
				r.worker.log.Error("logging a container's output", "container", r.name, "error", err)
			}
		})
	}
	return &logged
}

// keepLogs keeps the logs of this run and the one before, for `kubectl logs --previous`.
func (r *runner) keepLogs(path string) {
	const runs = 2
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, path)
	for len(r.kept) > runs {
		old, err := filepath.Glob(r.kept[0] + "*") // rotated files too
		if err == nil {
			for _, file := range old {
				os.Remove(file) //nolint:errcheck // at worst a log too many
			}
		}
		r.kept = r.kept[1:]
	}
}
