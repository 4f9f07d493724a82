// Package sample finds texts that a regular expression matches.
package sample

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// maxLength bounds a sample, in bytes.
const maxLength = 256

// Match returns a short text that the whole expression (RE2 syntax) matches, made of characters of URLs where it leaves the
// choice. It returns false if the expression is invalid, or if it has found none of at most 256 bytes.
func Match(expression string) (string, bool) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return "", false
	}
	var text strings.Builder
	if !write(&text, parsed.Simplify()) || text.Len() > maxLength {
		return "", false
	}
	// Conditions within the expression, such as \b, may rule the text out.
	whole, err := regexp.Compile(`\A(?:` + expression + `)\z`)
	return text.String(), err == nil && whole.MatchString(text.String())
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
