package match

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// literals finds the patterns that begin with a beginning of a path. All is in lower case: that finds a few too many
// where case matters, and never too few.
type literals[T any] struct {
	nodes []*literal[T] // sorted by text
}

// literal is the patterns that begin with the same text.
type literal[T any] struct {
	text     string
	patterns []*pattern[T] // in the order in which they are tried
	// shorter is the longest other literal that text begins with; nil if there is none.
	shorter *literal[T]
}

// newLiterals makes the index of patterns, which are in the order in which they are tried.
func newLiterals[T any](list []*pattern[T]) literals[T] {
	byText := make(map[string]*literal[T], len(list))
	var index literals[T]
	for _, p := range list {
		node := byText[p.literal]
		if node == nil {
			node = &literal[T]{text: p.literal}
			byText[p.literal] = node
			index.nodes = append(index.nodes, node)
		}
		node.patterns = append(node.patterns, p)
	}
	slices.SortFunc(index.nodes, func(a, b *literal[T]) int { return strings.Compare(a.text, b.text) })
	for i := 1; i < len(index.nodes); i++ {
		// The one before is, or ends a chain with, the longest literal that this one begins with.
		index.nodes[i].shorter = beginning(index.nodes[i-1], index.nodes[i].text)
	}
	return index
}

// longest returns the longest literal that path begins with; nil if there is none. Its shorter ones are the others.
func (l *literals[T]) longest(path string) *literal[T] {
	low, high := 0, len(l.nodes) // slices.BinarySearchFunc would make path escape
	for low < high {
		middle := int(uint(low+high) / 2)
		if l.nodes[middle].text <= path {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return nil
	}
	// Everything between a beginning of path and path itself in the order of the texts has the same beginning.
	return beginning(l.nodes[low-1], path)
}

// beginning returns the first of a chain that text begins with.
func beginning[T any](node *literal[T], text string) *literal[T] {
	for node != nil && !strings.HasPrefix(text, node.text) {
		node = node.shorter
	}
	return node
}

// leadingLiteral returns text in lower case that all matches of a pattern begin with in some case.
func leadingLiteral(pattern string) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var text strings.Builder
	appendLeading(&text, parsed.Simplify())
	return text.String()
}

// appendLeading appends what matches of the expression begin with. It reports whether that is all that they consist of,
// so that what follows the expression can follow.
func appendLeading(text *strings.Builder, expression *syntax.Regexp) (whole bool) {
	switch expression.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpBeginLine:
		return true
	case syntax.OpLiteral:
		for _, c := range expression.Rune {
			if c >= 0x80 {
				return false // paths are ASCII, and case is not a matter of one bit elsewhere
			}
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			text.WriteRune(c)
		}
		return true
	case syntax.OpCapture:
		return appendLeading(text, expression.Sub[0])
	case syntax.OpConcat:
		for _, part := range expression.Sub {
			if !appendLeading(text, part) {
				return false
			}
		}
		return true
	case syntax.OpPlus:
		appendLeading(text, expression.Sub[0])
		return false
	default:
		return false
	}
}
