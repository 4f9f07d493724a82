package regex

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// parts is an expression with its lookaheads, in the order in which they are written.
type parts struct {
	text       string
	lookaheads []part
}

// part is a lookahead of an expression.
type part struct {
	inner    string // without its parentheses
	negative bool
	// start and end are the places of its parentheses; end is behind them.
	start, end int
	repeated   bool
	enclosing  []*group // the outermost first
}

// group is a pair of parentheses, or the expression itself.
type group struct {
	alternatives bool // it has a | of its own
	repeated     bool
	inLookahead  bool
}

func (p *part) text() string {
	if p.negative {
		return "(?!" + p.inner + ")"
	}
	return "(?=" + p.inner + ")"
}

// split finds the lookaheads. Those in lookaheads are part of these. It reports whether the parentheses are balanced.
func split(text string) (p parts, isBalanced bool) {
	p = parts{text: text}
	open := []*group{{}}
	for i := 0; i < len(text); {
		top := open[len(open)-1]
		switch text[i] {
		case '\\':
			i = afterEscape(text, i)
			continue
		case '[':
			i = afterClass(text, i)
			continue
		case '|':
			top.alternatives = true
		case '(':
			opened := &group{inLookahead: top.inLookahead}
			if kind := text[i:]; !top.inLookahead && (strings.HasPrefix(kind, "(?=") || strings.HasPrefix(kind, "(?!")) {
				opened.inLookahead = true
				p.lookaheads = append(p.lookaheads, part{negative: kind[2] == '!', start: i, enclosing: append([]*group(nil), open...)})
			}
			open = append(open, opened)
		case ')':
			if open = open[:len(open)-1]; len(open) == 0 {
				return parts{}, false
			}
			top.repeated = i+1 < len(text) && strings.IndexByte("*+?{", text[i+1]) >= 0
			if top.inLookahead && !open[len(open)-1].inLookahead {
				last := &p.lookaheads[len(p.lookaheads)-1]
				last.inner, last.end, last.repeated = text[last.start+len("(?="):i], i+1, top.repeated
			}
		}
		i++
	}
	return p, len(open) == 1
}

// afterEscape returns the place behind an escape sequence, or behind a quotation that begins with \Q.
func afterEscape(text string, i int) int {
	if strings.HasPrefix(text[i:], `\Q`) {
		if end := strings.Index(text[i:], `\E`); end >= 0 {
			return i + end + len(`\E`)
		}
		return len(text)
	}
	return i + 2
}

// afterClass returns the place behind a character class.
func afterClass(text string, i int) int {
	i++
	if strings.HasPrefix(text[i:], "^") {
		i++
	}
	if strings.HasPrefix(text[i:], "]") { // is one of its characters
		i++
	}
	for i < len(text) && text[i] != ']' {
		switch {
		case text[i] == '\\':
			i = afterEscape(text, i)
		case strings.HasPrefix(text[i:], "[:") && strings.Contains(text[i+len("[:"):], ":]"):
			i += len("[:") + strings.Index(text[i+len("[:"):], ":]") + len(":]")
		default:
			i++
		}
	}
	return i + 1
}

// nothing matches the empty text, and separates what is written before and after it.
const nothing = "(?:)"

// without returns the expression up to a place, without the lookaheads before it. captures has how many groups replace each of these;
// they never match.
func (p *parts) without(end int, captures []int) string {
	const never = `(?:([^\x00-\x{10FFFF}])?)`
	var text strings.Builder
	last := 0
	for i, count := range captures {
		text.WriteString(p.text[last:p.lookaheads[i].start] + nothing + strings.Repeat(never, count))
		last = p.lookaheads[i].end
	}
	return text.String() + p.text[last:end]
}

// compile compiles a lookahead together with what precedes it, and counts its groups.
func (p *parts) compile(index int) (compiled lookahead, groups int, err error) {
	at := &p.lookaheads[index]
	if at.repeated {
		return lookahead{}, 0, errors.New("must not be repeated")
	}
	for _, group := range at.enclosing {
		if group.alternatives || group.repeated {
			return lookahead{}, 0, errors.New("must not be in an alternative or a repetition")
		}
	}
	// Groups before the lookahead don't matter to it, and have no fixed length.
	before, closing := p.without(at.start, make([]int, index)), strings.Repeat(")", len(at.enclosing)-1)
	parsed, err := syntax.Parse(before+closing, syntax.Perl)
	if err != nil {
		return lookahead{}, 0, err //nolint:wrapcheck // says what it was parsing
	}
	if _, fixed := length(parsed); !fixed || !isAnchored(parsed) {
		return lookahead{}, 0, errors.New("must be at a fixed distance from the beginning of the text")
	}
	inner, err := regexp.Compile(nothing + at.inner)
	if err != nil {
		return lookahead{}, 0, err //nolint:wrapcheck // says what it was compiling
	}
	groups = inner.NumSubexp()
	if groups > 0 && !at.negative {
		return lookahead{}, 0, errors.New("must not have groups that capture: use (?:…)")
	}
	expression, err := regexp.Compile(before + "(?:" + at.inner + ")" + closing)
	if err != nil {
		return lookahead{}, 0, err //nolint:wrapcheck // says what it was compiling
	}
	return lookahead{expression, at.negative}, groups, nil
}

// length returns how many characters all matches have, if that is one number.
func length(e *syntax.Regexp) (n int, fixed bool) {
	switch e.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary,
		syntax.OpNoWordBoundary:
		return 0, true
	case syntax.OpLiteral:
		return len(e.Rune), true
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, true
	case syntax.OpCapture:
		return length(e.Sub[0])
	case syntax.OpRepeat:
		n, fixed = length(e.Sub[0])
		return n * e.Min, fixed && e.Min == e.Max
	case syntax.OpConcat:
		for _, part := range e.Sub {
			one, isFixed := length(part)
			if !isFixed {
				return 0, false
			}
			n += one
		}
		return n, true
	case syntax.OpAlternate:
		for i, part := range e.Sub {
			one, isFixed := length(part)
			if !isFixed || i > 0 && one != n {
				return 0, false
			}
			n = one
		}
		return n, true
	default:
		return 0, false
	}
}

// isAnchored reports whether an expression begins with the beginning of the text.
func isAnchored(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpBeginText:
		return true
	case syntax.OpCapture:
		return isAnchored(e.Sub[0])
	case syntax.OpConcat:
		for _, part := range e.Sub {
			if isAnchored(part) {
				return true
			}
			if n, fixed := length(part); n > 0 || !fixed {
				return false
			}
		}
	}
	return false
}
