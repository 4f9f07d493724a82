package inprocess

import (
	"context"
	"fmt"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
)

// Explanation is what Explain writes as text.
func Explanation(ctx context.Context, s compare.Session, probe *derive.Probe) (*explain.Explanation, error) {
	return s.(*session).explanation(ctx, probe) //nolint:forcetypeassert // of this package
}

// BackendAt is the name of what answers at an address of the cluster.
func BackendAt(s compare.Session, address string) string {
	own := s.(*session) //nolint:forcetypeassert // of this package
	return own.Backend(fmt.Sprintf("p%d", own.network.targets[address].port))
}
