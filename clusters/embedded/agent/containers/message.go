//go:build linux

package containers

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
	"github.com/ingress-testbed/testbed/clusters/embedded/container/crilog"
)

// Limits of termination messages (Kubernetes documentation, "Determine the Reason for Pod Failure").
const (
	maxMessageBytes  = 4096
	maxFallbackBytes = 2048
	maxFallbackLines = 80
)

// terminationMessage returns the contents of a container's termination message file. If that is empty, the container
// failed and its policy says so, it returns the end of the log.
func terminationMessage(c *corev1.Container, file, log string, exit container.Exit) string {
	text, err := readHead(file, maxMessageBytes)
	if err == nil && text != "" || c.TerminationMessagePolicy != corev1.TerminationMessageFallbackToLogsOnError || exit.Code == 0 {
		return text
	}
	return logEnd(log)
}

func readHead(path string, most int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most))
	return strings.ToValidUTF8(string(raw), "\uFFFD"), err
}

// logEnd returns the messages at the end of a log file.
func logEnd(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	// Entries carry up to 50 bytes of format each.
	const most = maxFallbackBytes + maxFallbackLines*64
	if _, err := f.Seek(-most, io.SeekEnd); err != nil && !errors.Is(err, os.ErrInvalid) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return ""
		}
	}
	raw, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return ""
	}
	var lines []string
	for line := range bytes.Lines(raw) {
		parts := strings.SplitN(string(line), " ", 4)
		if len(parts) < 4 {
			continue
		}
		text := parts[3]
		if parts[2] == crilog.Partial { // the newline is only the entry's
			text = strings.TrimSuffix(text, "\n")
		}
		lines = append(lines, text)
	}
	if len(lines) > maxFallbackLines {
		lines = lines[len(lines)-maxFallbackLines:]
	}
	text := strings.Join(lines, "")
	if len(text) > maxFallbackBytes {
		text = text[len(text)-maxFallbackBytes:]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
