//go:build linux

package network

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAKernelWithoutVxlanGetsARemedy(t *testing.T) {
	if err := explainKernel("vxlan", unix.EOPNOTSUPP); !strings.Contains(err.Error(), "modprobe vxlan") {
		t.Errorf("got %v", err)
	}
	if err := explainKernel("vxlan", unix.EPERM); strings.Contains(err.Error(), "modprobe") {
		t.Errorf("another error: %v", err)
	}
}
