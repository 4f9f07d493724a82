//go:build linux

package network

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink"
)

// delay delays the packets that leave an interface of the namespace, instead of what did so before: by the kernel's netem,
// or by a delay line if the kernel lacks it.
func (t *Topology) delay(ctx context.Context, ns *Namespace, name string, impairment Impairment) error {
	cable := ns.name + "/" + name
	t.mu.Lock()
	defer t.mu.Unlock()
	if line := t.delayLines[cable]; line != nil {
		delete(t.delayLines, cable)
		if err := line.remove(ctx); err != nil {
			return err
		}
	}
	err := ns.Do(func() error { return netem(name, impairment) })
	if err == nil || impairment.Delay == 0 || !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.EOPNOTSUPP) {
		return err
	}
	line, lineErr := insertDelayLine(ctx, ns, name, impairment)
	if lineErr != nil {
		return errors.Join(err, lineErr)
	}
	if t.delayLines == nil {
		t.delayLines = map[string]*insertedLine{}
	}
	t.delayLines[cable] = line
	return nil
}

// netem makes the kernel delay the packets that leave an interface of the caller's namespace.
func netem(name string, impairment Impairment) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", name, err)
	}
	attributes := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	netem := netlink.NewNetem(attributes, netlink.NetemQdiscAttrs{
		Latency: uint32(impairment.Delay.Microseconds()), Jitter: uint32(impairment.Jitter.Microseconds()),
	})
	if impairment.Delay == 0 && impairment.Jitter == 0 {
		err := netlink.QdiscDel(netem)
		if err == nil || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) {
			return nil // or there is none
		}
		return fmt.Errorf("removing the delay of interface %s: %w", name, err)
	}
	if err := netlink.QdiscReplace(netem); err != nil {
		return fmt.Errorf("delaying the packets of interface %s by netem: %w", name, err)
	}
	return nil
}
