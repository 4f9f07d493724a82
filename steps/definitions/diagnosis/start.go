package diagnosis

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/subject"
	"github.com/ingress-testbed/testbed/steps/world"
)

// servedWithin bounds the time from when the controller's caches had synchronised until it served its first table, which it logs.
func (s Source) servedWithin(ctx context.Context, seconds int) error {
	if installation, err := s.Controller.Installation(); err == nil && (installation.Existing() || installation.ServesLater) {
		return fmt.Errorf("the format of the controller's log is unknown: %w", subject.ErrTestbedOnly)
	}
	log, err := s.controllerLog(ctx, 0)
	if err != nil {
		return err
	}
	took, err := startOf(log)
	if err != nil {
		return err
	}
	world.From(ctx).Attach(evidence.Text{Title: "Start of the controller", Body: fmt.Sprintf("It served %s after it had read the cluster.\n", took)})
	if took > time.Duration(seconds)*time.Second {
		return world.Failure(fmt.Sprintf("the controller served within %d s of reading the cluster", seconds), "after "+took.String())
	}
	return nil
}

// startOf finds the line about the start in a controller's log.
func startOf(log string) (time.Duration, error) {
	found := regexp.MustCompile(`"Serving" .*afterReading="([^"]+)"`).FindStringSubmatch(log)
	if found == nil {
		return 0, world.Failure(`the controller's log has a line "Serving"`, "no such line")
	}
	took, err := time.ParseDuration(found[1])
	if err != nil {
		return 0, fmt.Errorf("reading the controller's log: %w", err)
	}
	return took, nil
}
