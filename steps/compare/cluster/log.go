package cluster

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// logged is how many lines of the controller's log are searched, and maxLines how many are kept of one Ingress.
	logged   = 20_000
	maxLines = 20
	// clockSkew is how much the clock of a node may be behind.
	clockSkew = 5 * time.Second
)

// LogAbout implements compare.Logger, with the log as it was at the first call. Lines that say the same except for their time are kept once.
func (s *session) LogAbout(ctx context.Context, ingress string) (string, error) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	if s.log == "" {
		pod, err := s.target.Environment.Controller.Pod(ctx)
		if err != nil {
			return "", err
		}
		if s.log, err = s.target.Environment.Objects.Workloads.LogSince(ctx, pod.Namespace, pod.Name, s.started.Add(-clockSkew), logged); err != nil {
			return "", err
		}
	}
	return linesAbout(s.log, string(s.prefix), ingress), nil
}

// linesAbout are the lines of a log that name an Ingress, without the prefix of its namespace.
func linesAbout(log, prefix, ingress string) string {
	namespace, name, _ := strings.Cut(ingress, "/")
	word := regexp.MustCompile(`(^|[^a-z0-9-])` + regexp.QuoteMeta(name) + `($|[^a-z0-9-])`)
	var lines, known []string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		if !strings.Contains(line, prefix+namespace) || !word.MatchString(strings.ReplaceAll(line, prefix+namespace, "")) {
			continue
		}
		line = strings.ReplaceAll(line, prefix, "")
		if text := withoutTime(line); len(lines) < maxLines && !slices.Contains(known, text) {
			lines, known = append(lines, line), append(known, text)
		}
	}
	return strings.Join(lines, "\n")
}

// withoutTime is a line without dates and times in the forms of logs.
func withoutTime(line string) string {
	return regexp.MustCompile(`[0-9][0-9:.+TZ/-]{7,}`).ReplaceAllString(line, "")
}
