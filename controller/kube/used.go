package kube

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
)

// usedNames are the names of the objects that the last snapshot looked for, whether there are any or not. A change of
// another object of the kind makes no difference.
type usedNames struct {
	mu            sync.Mutex
	last, current map[types.NamespacedName]bool
}

func newUsedNames(first ...types.NamespacedName) *usedNames {
	u := &usedNames{last: map[types.NamespacedName]bool{}, current: map[types.NamespacedName]bool{}}
	for _, key := range first {
		u.last[key] = true
	}
	return u
}

func (u *usedNames) add(key types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.current[key] = true
}

// next drops the names that were added before the last call of next.
func (u *usedNames) next() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last, u.current = u.current, map[types.NamespacedName]bool{}
}

func (u *usedNames) has(object any) bool {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return true
	}
	key := types.NamespacedName{Namespace: accessor.GetNamespace(), Name: accessor.GetName()}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last[key] || u.current[key]
}
