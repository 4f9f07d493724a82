package kubectl

import (
	"errors"
	"strings"
)

// Words splits a command line into words as a POSIX shell does (Shell Command Language, section 2.2 Quoting), without
// expansions. An unquoted operator, such as a pipe, is an error, because no shell would interpret it.
func Words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for rest := line; rest != ""; {
		character := rest[0]
		rest = rest[1:]
		switch character {
		case ' ', '\t', '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
			continue
		case '\'':
			quoted, after, closed := strings.Cut(rest, "'")
			if !closed {
				return nil, errors.New("unterminated single quote")
			}
			word.WriteString(quoted)
			rest = after
		case '"':
			after, closed := doubleQuoted(rest, &word)
			if !closed {
				return nil, errors.New("unterminated double quote")
			}
			rest = after
		case '\\':
			if rest == "" {
				return nil, errors.New("backslash at the end of the line")
			}
			word.WriteByte(rest[0])
			rest = rest[1:]
		case '|', '&', ';', '<', '>', '(', ')', '`', '$':
			return nil, errors.New("the shell operator " + string(character) + " is not supported, because there is no shell; quote it if it is meant literally")
		default:
			word.WriteByte(character)
		}
		inWord = true
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// doubleQuoted appends the text up to the closing quote to the word. A backslash escapes a quote and itself.
func doubleQuoted(text string, word *strings.Builder) (rest string, closed bool) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return text[i+1:], true
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		}
		word.WriteByte(text[i])
	}
	return "", false
}
