package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

const (
	// diagnosisTimeout bounds what is gathered after a failure.
	diagnosisTimeout = 10 * time.Second
	// logLines of the controller are shown after a failure.
	logLines = 200
)

// whereToLook says what diagnose attaches.
const whereToLook = "the controller's log and routing table and the events, attached to this step"

// diagnose attaches what helps to find the reason of a failure. What can't be had is left out with the reason: the
// failure itself is what people need to see.
func (s *scenario) diagnose(ctx context.Context) {
	if s.Objects == nil || s.place == nil {
		return
	}
	// The step's time may be up, or the run interrupted.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnosisTimeout)
	defer cancel()
	for _, exchange := range s.exchanges[max(0, len(s.exchanges)-1):] {
		s.show(evidence.Text{Title: "The last request", Body: exchange.Text()})
	}
	for _, show := range s.onFailure {
		show(ctx)
	}
	namespaces := []string{s.place.namespace}
	if controller, err := s.Controller.Current(); err == nil {
		s.showResult(ctx, "The controller's routing table", s.routingTable)
		s.showResult(ctx, "The end of the controller's log", func(ctx context.Context) (string, error) { return s.controllerLog(ctx, logLines) })
		namespaces = append(namespaces, controller.Namespace)
	}
	for _, namespace := range namespaces {
		s.showResult(ctx, "Events in namespace "+namespace, func(ctx context.Context) (string, error) { return s.Objects.Events(ctx, namespace) })
	}
}

func (s *scenario) showResult(ctx context.Context, title string, get func(context.Context) (string, error)) {
	body, err := get(ctx)
	if err != nil {
		body = strings.TrimSpace(body + "\n(" + err.Error() + ")")
	}
	s.show(evidence.Text{Title: title, Body: body})
}

// routingTable is what the controller says that it serves.
func (s *scenario) routingTable(ctx context.Context) (string, error) {
	controller, err := s.Controller.Current()
	if err != nil {
		return "", err
	}
	if controller.Dump == nil {
		return "", fmt.Errorf("it has no command that prints its routing table: %w", errOwnOnly)
	}
	pod, err := s.Controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	return s.Objects.Exec(ctx, pod.Namespace, pod.Name, controller.Dump...)
}

// controllerLog is the end of the log of the controller's Pod, or all of it for 0 lines.
func (s *scenario) controllerLog(ctx context.Context, lines int64) (string, error) {
	pod, err := s.Controller.Pod(ctx)
	if err != nil {
		return "", err
	}
	return s.Objects.Log(ctx, pod.Namespace, pod.Name, lines)
}
