// Package regex compiles the regular expressions of Ingresses and settings. Their syntax is that of RE2, with which no text takes
// longer than in proportion to its length. ingress-nginx uses PCRE, which can do more; what people use of that is mostly the
// lookahead, as in
//
//	/(?!api|admin)(.*)
//	^/v[12]/(?=[0-9]+$)
//	^(?!guest).*$
//
// Lookaheads are supported at a fixed distance from the beginning of the text: outside of alternatives and repetitions, with
// nothing before them whose length varies. The text matches if it matches the expression without its lookaheads and, for each of
// them, the expression that ends with it, or doesn't match that if the lookahead is negative. That is exact, since there is only
// one place in the text at which the lookahead can be, and all of it is RE2.
//
// Lookbehinds, lookaheads elsewhere, backreferences, atomic groups and possessive quantifiers are errors.
package regex

import (
	"fmt"
	"regexp"
)

// Expression is a compiled regular expression.
type Expression struct {
	main       *regexp.Regexp // without lookaheads, but with their groups
	lookaheads []lookahead
}

// lookahead is what has to match, or must not match, besides the expression.
type lookahead struct {
	expression *regexp.Regexp // what precedes the lookahead, and the lookahead
	negative   bool
}

// Compile compiles an expression.
func Compile(text string) (*Expression, error) {
	main, err := regexp.Compile(text)
	if err == nil {
		return &Expression{main: main}, nil
	}
	parts, isBalanced := split(text)
	if !isBalanced || len(parts.lookaheads) == 0 {
		return nil, err //nolint:wrapcheck // says what it was compiling
	}
	e := &Expression{}
	captures := make([]int, len(parts.lookaheads)) // in each of them
	for i := range parts.lookaheads {
		compiled, n, err := parts.compile(i)
		if err != nil {
			return nil, fmt.Errorf("the lookahead %s: %w", parts.lookaheads[i].text(), err)
		}
		e.lookaheads, captures[i] = append(e.lookaheads, compiled), n
	}
	if e.main, err = regexp.Compile(parts.without(len(text), captures)); err != nil {
		return nil, fmt.Errorf("without its lookaheads: %w", err)
	}
	return e, nil
}

// CompileBetween compiles an expression together with what is written around it, such as "^(?:" and ")". The parentheses of the
// expression must be balanced, so that they can't end those around it.
func CompileBetween(before, text, after string) (*Expression, error) {
	if _, err := regexp.Compile(text); err != nil {
		if parts, isBalanced := split(text); !isBalanced || len(parts.lookaheads) == 0 {
			return nil, err //nolint:wrapcheck // says what it was compiling
		}
	}
	return Compile(before + text + after)
}

// Excluded returns an expression for each negative lookahead: a text that it matches does not match e.
func (e *Expression) Excluded() []string {
	var all []string
	for _, one := range e.lookaheads {
		if one.negative {
			all = append(all, one.expression.String())
		}
	}
	return all
}

// OnlyExcluded reports whether a text would match e without its lookaheads, but doesn't.
func (e *Expression) OnlyExcluded(text string) bool {
	return e.main.MatchString(text) && !e.MatchString(text)
}

// String is the expression without lookaheads: what it matches is all that e can match.
func (e *Expression) String() string { return e.main.String() }

// MatchString reports whether a text has a match.
func (e *Expression) MatchString(text string) bool {
	return e.main.MatchString(text) && e.allow(func(one *regexp.Regexp) bool { return one.MatchString(text) })
}

// Match is MatchString for bytes.
func (e *Expression) Match(text []byte) bool {
	return e.main.Match(text) && e.allow(func(one *regexp.Regexp) bool { return one.Match(text) })
}

// allow reports whether the lookaheads allow a match of the rest.
func (e *Expression) allow(matches func(*regexp.Regexp) bool) bool {
	for i := range e.lookaheads {
		if matches(e.lookaheads[i].expression) == e.lookaheads[i].negative {
			return false
		}
	}
	return true
}

// FindSubmatchIndex returns the places of the first match and its groups, as that of regexp.Regexp does; nil if there is no match.
// Groups in a negative lookahead have numbers, but never a place.
func (e *Expression) FindSubmatchIndex(text []byte) []int {
	places := e.main.FindSubmatchIndex(text)
	if places == nil || !e.allow(func(one *regexp.Regexp) bool { return one.Match(text) }) {
		return nil
	}
	return places
}
