package kind

import (
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kind/pkg/log"
)

// logger passes on kind's messages for users, without its debugging output.
type logger struct{ out io.Writer }

var _ log.Logger = logger{}

func (l logger) Warn(message string)           { l.write(message) }
func (l logger) Warnf(format string, a ...any) { l.write(fmt.Sprintf(format, a...)) }

// Error and Errorf are silent: the returned error has the same text.
func (l logger) Error(string)          {}
func (l logger) Errorf(string, ...any) {}

func (l logger) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return info{l}
}

// info logs messages of level 0.
type info struct{ to logger }

func (i info) Enabled() bool                 { return i.to.out != nil }
func (i info) Info(message string)           { i.to.write(message) }
func (i info) Infof(format string, a ...any) { i.to.write(fmt.Sprintf(format, a...)) }

func (l logger) write(message string) {
	if l.out != nil {
		fmt.Fprintf(l.out, "  %s\n", strings.TrimSpace(message))
	}
}
