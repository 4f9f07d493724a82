package agent

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	vklog "github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
)

// quietRecorder leaves out virtual-kubelet's own events, which would show up in `kubectl describe pod` between those
// that people know from the kubelet. What went wrong is told by events of this package in the kubelet's words.
type quietRecorder struct{ record.EventRecorder }

const ownReasons = "Provider"

func (r quietRecorder) Event(object runtime.Object, kind, reason, message string) {
	if !strings.HasPrefix(reason, ownReasons) {
		r.EventRecorder.Event(object, kind, reason, message)
	}
}

// vkLogger lets virtual-kubelet log through slog at lower levels: what it calls information is detail here, and what it
// calls errors are mostly objects that changed in the meantime or deletions that podClient puts off.
type vkLogger struct{ log *slog.Logger }

func (l vkLogger) Debug(args ...any)            { l.log.Debug(fmt.Sprint(args...)) }
func (l vkLogger) Debugf(f string, args ...any) { l.log.Debug(fmt.Sprintf(f, args...)) }
func (l vkLogger) Info(args ...any)             { l.log.Debug(fmt.Sprint(args...)) }
func (l vkLogger) Infof(f string, args ...any)  { l.log.Debug(fmt.Sprintf(f, args...)) }
func (l vkLogger) Warn(args ...any)             { l.log.Debug(fmt.Sprint(args...)) }
func (l vkLogger) Warnf(f string, args ...any)  { l.log.Debug(fmt.Sprintf(f, args...)) }
func (l vkLogger) Error(args ...any)            { l.log.Info(fmt.Sprint(args...)) }
func (l vkLogger) Errorf(f string, args ...any) { l.log.Info(fmt.Sprintf(f, args...)) }

func (l vkLogger) Fatal(args ...any) {
	l.Error(args...)
	os.Exit(1)
}

func (l vkLogger) Fatalf(f string, args ...any) {
	l.Errorf(f, args...)
	os.Exit(1)
}

func (l vkLogger) WithField(name string, value any) vklog.Logger {
	return vkLogger{l.log.With(name, value)}
}

func (l vkLogger) WithFields(fields vklog.Fields) vklog.Logger {
	log := l.log
	for name, value := range fields {
		log = log.With(name, value)
	}
	return vkLogger{log}
}

func (l vkLogger) WithError(err error) vklog.Logger { return vkLogger{l.log.With("error", err)} }
