package kube

// notifier signals changes; those that come before the signal is received are merged into one. It handles the
// events of informers.
type notifier chan struct{}

func newNotifier() notifier { return make(notifier, 1) }

func (n notifier) notify() {
	select {
	case n <- struct{}{}:
	default: // a pending signal covers this change
	}
}

func (n notifier) OnAdd(any, bool)   { n.notify() }
func (n notifier) OnUpdate(any, any) { n.notify() }
func (n notifier) OnDelete(any)      { n.notify() }
