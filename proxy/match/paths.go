package match

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// ErrDuplicate is the error of a match that another route of the same host has, too.
var ErrDuplicate = errors.New("another route of this host has the same match; the first is served")

// Paths maps the requests of one host to what serves them. A Builder makes it; the zero value matches nothing.
type Paths[T any] struct {
	exact    map[string]*choices[T]
	patterns patterns[T]
	prefixes element[T]
}

// Builder makes Paths.
type Builder[T any] struct {
	paths *Paths[T]
}

// element is a node of the tree of prefixes: one element of a path, and those that may follow it.
type element[T any] struct {
	choices  choices[T]
	length   int // of the prefix, in bytes, without a slash at its end
	parent   *element[T]
	children map[string]*element[T]
}

// Add makes value serve what m matches. It fails, and changes nothing, if a pattern is not a regular expression, or with
// ErrDuplicate. Exact paths and prefixes must be normalised like those that are looked up; a slash at the end of a
// prefix has no meaning.
func (b *Builder[T]) Add(m route.Match, value T) error {
	if b.paths == nil {
		b.paths = new(Paths[T])
	}
	p := b.paths
	conditions, err := newConditions(m)
	if err != nil {
		return err
	}
	switch m.Path.Kind {
	case route.Prefix:
		return p.prefixes.ensure(m.Path.Value).add(conditions, value)
	case route.Exact:
		at := p.exact[m.Path.Value]
		if at == nil {
			at = new(choices[T])
			if p.exact == nil {
				p.exact = make(map[string]*choices[T])
			}
			p.exact[m.Path.Value] = at
		}
		return at.add(conditions, value)
	case route.Regex:
		return p.patterns.add(m.Path, conditions, value)
	}
	return fmt.Errorf("unknown kind of path: %s", m.Path.Kind)
}

// Build returns what was added. The builder is empty afterwards.
func (b *Builder[T]) Build() *Paths[T] {
	built := b.paths
	b.paths = nil
	if built == nil {
		return new(Paths[T])
	}
	built.patterns.build()
	return built
}

// ensure returns the choices of a prefix.
func (e *element[T]) ensure(path string) *choices[T] {
	node := e
	for rest, more := strings.TrimPrefix(strings.TrimSuffix(path, "/"), "/"), path != "/"; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		child := node.children[name]
		if child == nil {
			child = &element[T]{parent: node, length: node.length + 1 + len(name)}
			if node.children == nil {
				node.children = make(map[string]*element[T])
			}
			node.children[name] = child
		}
		node = child
	}
	return &node.choices
}

// Find returns what serves a request with a normalised path. It looks at nothing of the request but what a match has
// conditions on.
func (p *Paths[T]) Find(path string, r *message.Request) (value T, found bool) {
	if p.exact != nil {
		if at := p.exact[path]; at != nil {
			if value, found = at.find(r); found {
				return value, true
			}
		}
	}
	value, length, found := p.prefixes.find(path, r)
	if len(p.patterns.list) > 0 {
		if matched, long, ok := p.patterns.find(path, r); ok && long >= length {
			return matched, true
		}
	}
	return value, found
}

// find returns what serves the longest prefix that has a match, and the length of that.
func (e *element[T]) find(path string, r *message.Request) (value T, length int, found bool) {
	for node := e.longest(path); node != nil; node = node.parent {
		if value, found = node.choices.find(r); found {
			return value, max(node.length, 1), true
		}
	}
	return value, 0, false
}

// longest returns the node of the longest prefix of a path. Its parents are the shorter ones.
func (e *element[T]) longest(path string) *element[T] {
	node := e
	for rest := strings.TrimPrefix(path, "/"); node.children != nil; {
		name, after, more := strings.Cut(rest, "/")
		child := node.children[name]
		if child == nil {
			break
		}
		node = child
		if !more {
			break
		}
		rest = after
	}
	return node
}
