package match

import "strings"

// Paths maps the paths of one host to what serves them. The zero value matches nothing. It must not be changed once
// it is used.
type Paths[T any] struct {
	exact    map[string]*T
	prefixes element[T]
}

// element is a node of the tree of prefixes: one element of a path, and those that may follow it.
type element[T any] struct {
	value    *T
	children map[string]*element[T]
}

// AddExact makes value serve exactly this path. It reports false, and changes nothing, if the path is taken.
func (p *Paths[T]) AddExact(path string, value T) bool {
	return addNew(&p.exact, path, &value)
}

// AddPrefix makes value serve every path whose elements start with those of path. A slash at the end of path has no
// meaning. It reports false, and changes nothing, if the prefix is taken.
func (p *Paths[T]) AddPrefix(path string, value T) bool {
	node := &p.prefixes
	for rest, more := strings.TrimPrefix(strings.TrimSuffix(path, "/"), "/"), path != "/"; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		child := node.children[name]
		if child == nil {
			child = new(element[T])
			if node.children == nil {
				node.children = make(map[string]*element[T])
			}
			node.children[name] = child
		}
		node = child
	}
	if node.value != nil {
		return false
	}
	node.value = &value
	return true
}

// Find returns what serves a normalised path.
func (p *Paths[T]) Find(path string) (value T, found bool) {
	if p.exact != nil {
		if exact := p.exact[path]; exact != nil {
			return *exact, true
		}
	}
	node := &p.prefixes
	longest := node.value
	for rest := strings.TrimPrefix(path, "/"); node.children != nil; {
		name, after, more := strings.Cut(rest, "/")
		if node = node.children[name]; node == nil {
			break
		}
		if node.value != nil {
			longest = node.value
		}
		if !more {
			break
		}
		rest = after
	}
	if longest == nil {
		return value, false
	}
	return *longest, true
}
