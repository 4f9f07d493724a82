package match

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ingress-testbed/testbed/internal/regex"
	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// patterns are the regular expressions of a host. The first that matches serves, longest first; of two of the same
// length, the one that sorts last comes first, so that the order in which they were added makes no difference.
//
// They are indexed by the literal that each begins with, so that only those are run that begin like the path: with a
// thousand patterns on a host, mostly one or two.
type patterns[T any] struct {
	list  []*pattern[T] // in the order in which they are tried
	index literals[T]
}

type pattern[T any] struct {
	path    route.Path
	regex   *regex.Expression
	rank    int    // in list
	literal string // that all matches begin with, in lower case
	choices choices[T]
}

func (p *patterns[T]) add(path route.Path, conditions *conditions, value T) error {
	at, found := slices.BinarySearchFunc(p.list, path, func(listed *pattern[T], path route.Path) int {
		return comparePatterns(listed.path, path)
	})
	if found {
		return p.list[at].choices.add(conditions, value)
	}
	made, err := newPattern[T](path)
	if err != nil {
		return err
	}
	if err := made.choices.add(conditions, value); err != nil {
		return err
	}
	p.list = slices.Insert(p.list, at, made)
	return nil
}

// comparePatterns orders patterns as they are tried.
func comparePatterns(a, b route.Path) int {
	ignoreCase := 0
	if a.IgnoreCase != b.IgnoreCase {
		ignoreCase = -1
		if a.IgnoreCase {
			ignoreCase = 1
		}
	}
	return cmp.Or(cmp.Compare(len(b.Value), len(a.Value)), cmp.Compare(b.Value, a.Value), ignoreCase)
}

// CompilePattern compiles the regular expression of a path, which begins at the beginning of a request's path.
func CompilePattern(path route.Path) (*regex.Expression, error) {
	before := `^(?:`
	if path.IgnoreCase {
		before = `(?i)` + before
	}
	compiled, err := regex.CompileBetween(before, path.Value, `)`)
	if err != nil {
		return nil, fmt.Errorf("compiling the pattern of the path: %w", err)
	}
	return compiled, nil
}

func newPattern[T any](path route.Path) (*pattern[T], error) {
	compiled, err := CompilePattern(path)
	if err != nil {
		return nil, err
	}
	return &pattern[T]{path: path, regex: compiled, literal: leadingLiteral(compiled.String())}, nil
}

// build makes the index. It must be called after the last pattern was added.
func (p *patterns[T]) build() {
	for rank, pattern := range p.list {
		pattern.rank = rank
	}
	p.index = newLiterals(p.list)
}

// find returns what serves the path, and the length of its pattern.
func (p *patterns[T]) find(path string, r *message.Request) (value T, length int, found bool) {
	var buffer [256]byte
	best := len(p.list)
	// The longest literal comes first: its patterns are mostly the longest, too, and then no other has to be run.
	for node := p.index.longest(lower(buffer[:0], path)); node != nil; node = node.shorter {
		for _, pattern := range node.patterns {
			if pattern.rank >= best {
				break
			}
			if !pattern.regex.MatchString(path) {
				continue
			}
			if matched, ok := pattern.choices.find(r); ok {
				value, length, found, best = matched, len(pattern.path.Value), true, pattern.rank
				break
			}
		}
	}
	return value, length, found
}

// lower returns text in lower case (ASCII). It uses the buffer if it has to change it.
func lower(buffer []byte, text string) string {
	upper := 0
	for upper < len(text) && (text[upper] < 'A' || text[upper] > 'Z') {
		upper++
	}
	if upper == len(text) {
		return text
	}
	for i := range len(text) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		buffer = append(buffer, c)
	}
	return view(buffer)
}
