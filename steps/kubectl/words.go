package kubectl

import (
	"errors"
	"strings"
)

// Words splits a command line as a POSIX shell does (Shell Command Language, section 2.2 Quoting), without expanding
// anything. Operators of the shell, such as pipes, are refused: there is no shell to see them.
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
				return nil, errors.New("a single quote is not closed")
			}
			word.WriteString(quoted)
			rest = after
		case '"':
			after, closed := doubleQuoted(rest, &word)
			if !closed {
				return nil, errors.New("a double quote is not closed")
			}
			rest = after
		case '\\':
			if rest == "" {
				return nil, errors.New("a backslash ends the line")
			}
			word.WriteByte(rest[0])
			rest = rest[1:]
		case '|', '&', ';', '<', '>', '(', ')', '`', '$':
			return nil, errors.New("it has the shell operator " + string(character) + ", but is not run by a shell; quote it if it is text")
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

// doubleQuoted reads up to the closing quote; a backslash escapes a quote and itself.
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
