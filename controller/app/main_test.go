package app_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a controller that has ended leaves goroutines behind.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
	)
}
