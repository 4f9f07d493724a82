//go:build !linux

package agent

import (
	"context"
	"errors"
	"net/netip"
)

// ErrNoLink is wrapped by PodLink where a Pod's link can't be found.
var ErrNoLink = errors.New("finding the links of Pods requires Linux")

// PodLink always fails.
func PodLink(context.Context, netip.Addr) (string, error) { return "", ErrNoLink }

// LinkTowards always fails.
func LinkTowards(netip.Addr) (string, error) { return "", ErrNoLink }
