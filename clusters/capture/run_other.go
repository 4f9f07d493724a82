//go:build !linux

package capture

import (
	"context"
	"errors"
	"io"
)

// Run always fails: packets are captured by a packet socket (packet(7)).
func Run(context.Context, string, io.Writer) error {
	return errors.New("capturing packets requires Linux")
}
