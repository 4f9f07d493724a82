//go:build linux

package containers

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
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/imagepull"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podstatus"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// attempt is one attempt to run a container: from what the container needs to how it ended.
type attempt struct {
	runner *runner
	number int32  // 0 for the first
	dir    string // for the attempt's own files
	image  string // that the Pod named when it was found
}

// startErrorCode is the exit code of a container that could not be started.
const startErrorCode = 128

// do runs the container. It returns false if the container was not started, because it was to stop before it could be.
func (a *attempt) do(ctx context.Context) (ended corev1.ContainerStateTerminated, started bool) {
	r := a.runner
	spec, img, ok := a.prepare(ctx)
	if !ok {
		return corev1.ContainerStateTerminated{}, false
	}
	logPath := r.logPath(a.number)
	log, err := crilog.Open(logPath, r.manager.config.LogLimits)
	if err != nil {
		return a.startFailed(err), true
	}
	defer log.Close() //nolint:errcheck // nothing is buffered
	r.logs.add(logPath)
	a.identify(img)
	process, err := r.manager.config.Launcher.Start(spec)
	if err != nil {
		r.event(corev1.EventTypeWarning, eventFailed, "Error: %v", err)
		return a.startFailed(err), true
	}
	r.event(corev1.EventTypeNormal, eventCreated, "Created container: %s", r.name)
	r.event(corev1.EventTypeNormal, eventStarted, "Started container %s", r.name)
	run := &containerRun{
		runner: r, number: a.number, process: process, spec: spec, image: a.image, output: &output{},
		// A terminal is the input and the output: closing it would end both.
		input: newInput(process.Stdin, r.definition().StdinOnce && !spec.TTY),
	}
	copied := a.copyOutput(log, run)
	r.setCurrent(run)

	message := run.supervise(ctx)
	copied.Wait()
	process.Close()
	exit := process.Exit()
	if message == "" {
		message = terminationMessage(r.definition(), a.messageFile(), logPath, exit)
	}
	reason := "Error"
	if exit.Code == 0 {
		reason = "Completed"
	}
	replaced := run.replaced && r.startsAgain(int32(exit.Code))
	return a.end(reason, message, exit, replaced), true
}

// startFailed ends an attempt whose process could not be started.
func (a *attempt) startFailed(err error) corev1.ContainerStateTerminated {
	now := time.Now()
	return a.end("StartError", err.Error(), container.Exit{Code: startErrorCode, StartedAt: now, EndedAt: now}, false)
}

// end removes the attempt's files and reports the end. A container is replaced if the node ended it to start it again.
func (a *attempt) end(reason, message string, exit container.Exit, replaced bool) corev1.ContainerStateTerminated {
	r := a.runner
	ended := corev1.ContainerStateTerminated{
		ExitCode: int32(exit.Code), Signal: int32(exit.Signal), Reason: reason, Message: message,
		StartedAt: metav1.NewTime(exit.StartedAt), FinishedAt: metav1.NewTime(exit.EndedAt),
		ContainerID: r.manager.pod.Container(r.name).ID,
	}
	r.setCurrent(nil)
	if err := os.RemoveAll(a.dir); err != nil {
		r.manager.config.Logger.Warn("removing a container's files", "container", r.name, "error", err)
	}
	r.manager.pod.Apply(podstatus.Terminated{Container: r.name, Restarts: a.number, State: ended, Replaced: replaced})
	closeOnce(r.tried)
	return ended
}

// identify gives the container an ID and reports its image.
func (a *attempt) identify(img image.Image) {
	var random [32]byte
	rand.Read(random[:])
	id := "testbed://" + hex.EncodeToString(random[:])
	imageID := img.ID
	if img.Digest != "" {
		imageID = img.Repository + "@" + img.Digest
	}
	a.runner.manager.pod.Apply(podstatus.Identified{Container: a.runner.name, ID: id, ImageName: img.Name, ImageID: imageID})
}

// retryInterval is how often an attempt tries again to get what the container needs, such as a ConfigMap. It is also how
// soon an image is found that users load.
const retryInterval = time.Second

// prepare gets everything that the container needs, and waits for what does not exist yet. It returns false if the
// container is to stop before that.
func (a *attempt) prepare(ctx context.Context) (container.Spec, image.Image, bool) {
	r := a.runner
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a pull ends when the container is to stop
		select {
		case <-r.stop.Set():
			cancel()
		case <-ctx.Done():
		}
	}()
	var img image.Image
	for reported := ""; !r.stop.IsSet(); {
		var spec container.Spec
		var err error
		if c := r.definition(); c.Image != a.image {
			if img, err = a.getImage(ctx, c); err == nil {
				a.image = c.Image
			}
		}
		if err == nil {
			if spec, err = a.spec(ctx, img); err == nil {
				return spec, img, true
			}
		}
		if r.stop.IsSet() {
			break
		}
		reason, event := explainWaiting(err)
		if reported != event {
			r.event(corev1.EventTypeWarning, eventFailed, "%s", event)
			reported = event
		}
		r.manager.pod.Apply(podstatus.Waiting{Container: r.name, Reason: reason, Message: err.Error()})
		closeOnce(r.tried)
		if !r.stop.Sleep(retryInterval, r.retry) {
			break
		}
	}
	return container.Spec{}, image.Image{}, false
}

// explainWaiting returns the reason for which a container waits, and the text of the event about it, as the kubelet's.
func explainWaiting(err error) (reason, event string) {
	var noImage *imagepull.Error
	if errors.As(err, &noImage) {
		return noImage.Reason, "Error: " + noImage.Reason
	}
	reason = "CreateContainerConfigError"
	return reason, fmt.Sprintf("Error: %s: %v", reason, err)
}

// getImage gets the container's image.
func (a *attempt) getImage(ctx context.Context, c *corev1.Container) (image.Image, error) {
	r := a.runner
	return r.manager.config.Images.Get(ctx, imagepull.Request{
		Image: c.Image, Policy: c.ImagePullPolicy, Credentials: r.manager.pod.PullCredentials,
		Event: func(kind, reason, message string) { r.event(kind, reason, "%s", message) },
		Progress: func(message string) {
			r.manager.pod.Apply(podstatus.Waiting{Container: r.name, Reason: podstatus.ReasonCreating, Message: message})
		},
	})
}

// spec builds the specification of the container and creates the files that it refers to.
func (a *attempt) spec(ctx context.Context, img image.Image) (container.Spec, error) {
	c := a.runner.definition()
	spec, err := a.runner.manager.pod.Spec(ctx, c, img)
	if err != nil {
		return spec, err
	}
	if err := a.joinTarget(&spec.Namespaces); err != nil {
		return spec, err
	}
	spec.Scratch = filepath.Join(a.dir, "scratch")
	if err := os.MkdirAll(spec.Scratch, 0o755); err != nil {
		return spec, fmt.Errorf("creating the container's folder: %w", err)
	}
	if err := os.WriteFile(a.messageFile(), nil, 0o666); err != nil {
		return spec, fmt.Errorf("creating the container's termination message file: %w", err)
	}
	if err := os.Chmod(a.messageFile(), 0o666); err != nil {
		return spec, fmt.Errorf("creating the container's termination message file: %w", err)
	}
	if c.TerminationMessagePath != "" {
		spec.Mounts = append(spec.Mounts, container.Mount{Source: a.messageFile(), Destination: c.TerminationMessagePath})
	}
	// A mount below another one has to come after it.
	slices.SortStableFunc(spec.Mounts, func(a, b container.Mount) int {
		return strings.Count(filepath.Clean(a.Destination), "/") - strings.Count(filepath.Clean(b.Destination), "/")
	})
	return spec, nil
}

// joinTarget lets an ephemeral container join the PID namespace of its target container. It does nothing if the Pod's
// containers share one anyway.
func (a *attempt) joinTarget(namespaces *container.Namespaces) error {
	target := a.target()
	if target == "" || namespaces.HostPID || namespaces.PID != 0 {
		return nil
	}
	run, err := a.runner.manager.running(target)
	if err != nil {
		return fmt.Errorf("joining the processes of container %q: %w", target, err)
	}
	namespaces.PID = run.process.PID()
	return nil
}

// target is the container whose processes an ephemeral container sees; "" if there is none.
func (a *attempt) target() string {
	if a.runner.role != roleEphemeral {
		return ""
	}
	for _, e := range a.runner.manager.pod.Object().Spec.EphemeralContainers {
		if e.Name == a.runner.name {
			return e.TargetContainerName
		}
	}
	return ""
}

func (a *attempt) messageFile() string { return filepath.Join(a.dir, "termination-log") }
