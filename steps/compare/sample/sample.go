// Package sample finds texts that a regular expression matches.
package sample

import (
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/ingress-testbed/testbed/internal/regex"
)

// maxLength bounds a sample, in bytes.
const maxLength = 256

// Match returns a short text that the whole expression (package regex) matches, made of characters of URLs where it leaves the
// choice. It returns false if the expression is invalid, or if it has found none of at most 256 bytes.
func Match(expression string) (string, bool) {
	whole, err := regex.CompileBetween(`\A(?:`, expression, `)\z`)
	if err != nil {
		return "", false
	}
	text, ok := written(whole.String())
	// Conditions within the expression, such as \b and lookaheads, may rule the text out.
	return text, ok && whole.MatchString(text)
}

// Excluded returns a text for each negative lookahead of the expression that is the only reason why it doesn't match.
func Excluded(expression string) []string {
	whole, err := regex.CompileBetween(`\A(?:`, expression, `)`)
	if err != nil {
		return nil
	}
	var all []string
	for _, excluded := range whole.Excluded() {
		if text, ok := written(excluded); ok && whole.OnlyExcluded(text) {
			all = append(all, text)
		}
	}
	return all
}

// written returns a text that the expression (RE2 syntax) matches unless a condition in it rules that out.
func written(expression string) (string, bool) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return "", false
	}
	var text strings.Builder
	ok := write(&text, parsed.Simplify())
	return text.String(), ok && text.Len() <= maxLength
}

// write appends a match, and reports whether there is one.
func write(text *strings.Builder, expression *syntax.Regexp) bool {
	if text.Len() > maxLength {
		return false
	}
	switch expression.Op {
	case syntax.OpNoMatch:
		return false
	case syntax.OpLiteral:
		text.WriteString(string(expression.Rune))
	case syntax.OpCharClass:
		r, ok := pick(expression.Rune)
		text.WriteRune(r)
		return ok
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		text.WriteByte('a')
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpCapture:
		// A repetition that may be empty is there once, so that groups have something to show.
		before := text.Len()
		if write(text, expression.Sub[0]) {
			return true
		}
		return text.Len() == before && (expression.Op == syntax.OpStar || expression.Op == syntax.OpQuest)
	case syntax.OpRepeat: // Simplify leaves none
		for range max(expression.Min, 1) {
			if !write(text, expression.Sub[0]) {
				return false
			}
		}
	case syntax.OpConcat:
		for _, part := range expression.Sub {
			if !write(text, part) {
				return false
			}
		}
	case syntax.OpAlternate:
		return write(text, expression.Sub[0])
	}
	return true
}

// pick selects a character of a class: a letter, a digit, another one of URLs, or else the first.
func pick(ranges []rune) (rune, bool) {
	for _, preferred := range "ab1-_./" {
		if contains(ranges, preferred) {
			return preferred, true
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= min(ranges[i+1], ranges[i]+unicode.MaxLatin1); r++ {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r, true
			}
		}
	}
	if len(ranges) == 0 {
		return unicode.ReplacementChar, false
	}
	return ranges[0], true
}

func contains(ranges []rune, r rune) bool {
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i] <= r && r <= ranges[i+1] {
			return true
		}
	}
	return false
}
