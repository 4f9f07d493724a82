//go:build linux

package kubeletapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
)

// logs answers `kubectl logs`. The text comes from the kubelet's own reader of container logs.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	query, err := parseLogQuery(r.URL.Query(), time.Now())
	if err != nil {
		s.fail(w, err)
		return
	}
	pod, err := s.find(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	log, err := pod.Log(r.PathValue("container"), query.previous)
	if err != nil {
		s.fail(w, err)
		return
	}
	out := &flusher{ResponseWriter: w, controller: http.NewResponseController(w)}
	var stdout, stderr io.Writer
	if query.stream != corev1.LogStreamStderr {
		stdout = out
	}
	if query.stream != corev1.LogStreamStdout {
		stderr = out
	}
	w.Header().Set("Content-Type", "text/plain")
	err = logs.ReadLogs(r.Context(), log.Path, "", &query.options, runningCheck{running: log.Running}, stdout, stderr)
	if err != nil && r.Context().Err() == nil {
		s.config.Logger.Warn("reading a container's log", "path", log.Path, "error", err)
		if !out.began {
			s.fail(w, err)
		}
	}
}

type logQuery struct {
	options  logs.LogOptions
	previous bool
	stream   string
}

// parseLogQuery reads the fields of PodLogOptions as the API server sends them.
func parseLogQuery(values url.Values, now time.Time) (logQuery, error) {
	q := logQuery{stream: corev1.LogStreamAll}
	var err error
	parse := func(name string, into func(string) error) {
		if text := values.Get(name); text != "" && err == nil {
			if problem := into(text); problem != nil {
				err = fmt.Errorf("%w: %s=%q: %w", errBadRequest, name, text, problem)
			}
		}
	}
	flag := func(to *bool) func(string) error {
		return func(s string) (err error) { *to, err = strconv.ParseBool(s); return err }
	}
	count := func(to **int64) func(string) error {
		return func(s string) error {
			n, err := strconv.ParseInt(s, 10, 64)
			if err == nil && n < 0 {
				err = strconv.ErrRange
			}
			*to = &n
			return err
		}
	}
	parse("follow", flag(&q.options.Follow))
	parse("timestamps", flag(&q.options.Timestamp))
	parse("previous", flag(&q.previous))
	parse("tailLines", count(&q.options.TailLines))
	parse("limitBytes", count(&q.options.LimitBytes))
	parse("sinceTime", func(s string) (err error) { q.options.Since, err = time.Parse(time.RFC3339, s); return err })
	parse("sinceSeconds", func(s string) error {
		var n *int64
		if err := count(&n)(s); err != nil {
			return err
		}
		q.options.Since = now.Add(-time.Duration(*n) * time.Second)
		return nil
	})
	parse("stream", func(s string) error {
		if s != corev1.LogStreamAll && s != corev1.LogStreamStdout && s != corev1.LogStreamStderr {
			return fmt.Errorf("must be %s, %s or %s", corev1.LogStreamAll, corev1.LogStreamStdout, corev1.LogStreamStderr)
		}
		q.stream = s
		return nil
	})
	return q, err
}

// flusher passes each line on at once, for those who follow a log.
type flusher struct {
	http.ResponseWriter
	controller *http.ResponseController
	began      bool
}

func (f *flusher) Write(p []byte) (int, error) {
	f.began = true
	n, err := f.ResponseWriter.Write(p)
	if err == nil {
		err = f.controller.Flush()
	}
	return n, err
}

// runningCheck is the container runtime for the reader of logs, which uses one method only, to find out whether more may be written.
type runningCheck struct {
	internalapi.RuntimeService
	running func() bool
}

// ContainerStatus reports whether the container whose log is read still runs.
func (c runningCheck) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if c.running() {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{State: state}}, nil
}
