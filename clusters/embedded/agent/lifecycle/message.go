package lifecycle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// Limits of termination messages (Kubernetes documentation, "Determine the Reason for Pod Failure").
const (
	mostMessageBytes  = 4096
	mostFallbackBytes = 2048
	mostFallbackLines = 80
)

// terminationMessage is what a container left in its message file or, if it failed and the policy says so, the end of
// its log.
func terminationMessage(c *corev1.Container, file, log string, exit container.Exit) string {
	text, err := readHead(file, mostMessageBytes)
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

// logEnd reads the end of a log and takes the log's own format off it.
func logEnd(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	// Entries carry up to 50 bytes of format each.
	const most = mostFallbackBytes + mostFallbackLines*64
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
		if parts := strings.SplitN(string(line), " ", 4); len(parts) == 4 {
			lines = append(lines, parts[3])
		}
	}
	if len(lines) > mostFallbackLines {
		lines = lines[len(lines)-mostFallbackLines:]
	}
	text := strings.Join(lines, "")
	if len(text) > mostFallbackBytes {
		text = text[len(text)-mostFallbackBytes:]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
