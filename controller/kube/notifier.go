package kube

// notifier tells that something changed, once for any number of changes that nobody has seen yet. It handles the
// events of informers.
type notifier chan struct{}

func newNotifier() notifier { return make(notifier, 1) }

func (n notifier) notify() {
	select {
	case n <- struct{}{}:
	default: // one is pending, which will see this change, too
	}
}

func (n notifier) OnAdd(any, bool)   { n.notify() }
func (n notifier) OnUpdate(any, any) { n.notify() }
func (n notifier) OnDelete(any)      { n.notify() }
