// Package agent captures packets on the node it runs on. It needs the node's network namespace and the
// capability CAP_NET_RAW, and nothing else.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/ingress-testbed/testbed/clusters/capture"
)

// Exit codes of the agent.
const (
	ExitFailed = 1
	// ExitUnsupported is for a capture that this node doesn't support.
	ExitUnsupported = 3
)

// Target is where to capture. Exactly one field is set.
type Target struct {
	// Interface is a name.
	Interface string
	// Pod is the address of a Pod on this node, whose link is listened on.
	Pod netip.Addr
	// Towards is an address outside of this node; the interface that leads to it is listened on.
	Towards netip.Addr
}

// Run captures packets and writes them to w as a pcap stream, until input ends. When the stream's first bytes are
// there, the capture is running. Where a Pod's link can't be found, the error is ErrNoLink.
func Run(ctx context.Context, target Target, input io.Reader, w io.Writer) error {
	link, err := target.link(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		// Nothing is written to input: its end means that the reader has gone, also when a connection broke.
		_, _ = io.Copy(io.Discard, input)
		stop()
	}()
	return capture.Run(ctx, link, w)
}

func (t Target) link(ctx context.Context) (string, error) {
	given := 0
	for _, is := range []bool{t.Interface != "", t.Pod.IsValid(), t.Towards.IsValid()} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return "", errors.New("give exactly one of --interface, --pod and --towards")
	case t.Pod.IsValid():
		return PodLink(ctx, t.Pod)
	case t.Towards.IsValid():
		link, err := LinkTowards(t.Towards)
		if err != nil {
			return "", fmt.Errorf("finding the node's link: %w", err)
		}
		return link, nil
	}
	return t.Interface, nil
}
