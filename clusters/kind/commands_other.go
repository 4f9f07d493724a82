//go:build !linux

package kind

import "context"

// waitCommands does not wait: a cluster of kind is reached at its containers' addresses, which takes Linux.
func (engine) waitCommands(context.Context, string) error { return nil }
