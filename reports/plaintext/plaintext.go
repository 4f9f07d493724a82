// Package plaintext makes text that came from elsewhere safe to show: logs and responses may hold escape sequences
// that would colour, move or overwrite what a terminal shows, and characters that XML can't carry.
package plaintext

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Clean removes terminal escape sequences (ECMA-48 control sequences and operating system commands) and all control
// characters but line feeds and tabs, and replaces what isn't UTF-8. A carriage return before a line feed is dropped,
// and any other becomes a line feed. The result has only characters that XML 1.0 allows.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = escapeSequence().ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case !allowed(r):
			return -1
		}
		return r
	}, text)
}

// Line is Clean for text that has to stay on one line.
func Line(text string) string {
	return strings.Join(strings.Fields(Clean(text)), " ")
}

// Shorten cuts the middle out of a text longer than limit bytes, as logs are read from their ends, and says how much
// is missing. It cuts between characters.
func Shorten(text string, limit int, notice func(omitted int) string) string {
	if len(text) <= limit {
		return text
	}
	head, tail := limit/2, len(text)-limit/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + notice(tail-head) + text[tail:]
}

func isClean(text string) bool {
	for _, r := range text {
		if !allowed(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// allowed are the characters of XML 1.0 (section 2.2) without the carriage return and the C1 controls, and without
// the marks that reverse the direction of what follows.
func allowed(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case r < 0x20, r >= 0x7F && r <= 0x9F:
		return false
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return false
	case r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return true
}

func escapeSequence() *regexp.Regexp {
	return regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)")
}
