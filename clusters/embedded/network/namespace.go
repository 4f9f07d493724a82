//go:build linux

// Package network builds the test network from the kernel's own parts: namespaces for machines, veth pairs
// for cables, a bridge for the switch, and nftables for the 1:1 translation of public addresses.
//
// It only changes namespaces that it made; the caller must already be in a private network namespace.
package network

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Namespace is the network of one machine. It lasts as long as a process is in it or it is mounted below /run/netns,
// where `ip netns` finds it.
type Namespace struct {
	name   string
	handle netns.NsHandle
}

// NewNamespace makes a network namespace with its loopback up.
func NewNamespace(name string) (*Namespace, error) {
	ns := &Namespace{name: name}
	err := onThrowawayThread(func() (err error) {
		if ns.handle, err = netns.NewNamed(name); err != nil {
			return fmt.Errorf("making network namespace %s: %w", name, err)
		}
		return setUp("lo")
	})
	return ns, err
}

// Current is the namespace that the calling process is in.
func Current(name string) (*Namespace, error) {
	handle, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("opening the network namespace of %s: %w", name, err)
	}
	return &Namespace{name: name, handle: handle}, nil
}

// Name is the machine's.
func (n *Namespace) Name() string { return n.name }

// Path is where the namespace is mounted.
func (n *Namespace) Path() string { return "/run/netns/" + n.name }

// Do runs f on a thread inside the namespace. Sockets that f opens and processes that it starts stay there;
// goroutines that it starts do not.
func (n *Namespace) Do(f func() error) error {
	return onThrowawayThread(func() error {
		if err := netns.Set(n.handle); err != nil {
			return fmt.Errorf("entering network namespace %s: %w", n.name, err)
		}
		return f()
	})
}

// onThrowawayThread runs f on an operating system thread that ends with it. Not returning the thread to the Go
// scheduler ensures that no goroutine runs in the wrong namespace.
func onThrowawayThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		var err error
		defer func() { done <- err }()
		err = errors.New("the function ended its goroutine") // returned if f calls runtime.Goexit
		err = f()
	}()
	return <-done
}

func setUp(link string) error {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return fmt.Errorf("finding interface %s: %w", link, err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return fmt.Errorf("setting interface %s up: %w", link, err)
	}
	return nil
}
