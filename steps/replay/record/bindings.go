package record

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bindings are the values of the placeholders that depend on the cluster, such as "class", "namespace", "client address"
// and "cluster IP of extra". Two more are bound everywhere:
//
//	${repeat 8000 x}  8000 times the character
//	${each 0-99}      in a list or as a key: the entry a hundred times, with 0 to 99
type Bindings map[string]string

const (
	// maxRepeat bounds the text of ${repeat}, and maxEach the numbers of ${each}.
	maxRepeat = 1 << 20
	maxEach   = 10_000
)

var (
	placeholder = regexp.MustCompile(`\$\{([^{}]*)\}`)
	repeat      = regexp.MustCompile(`^repeat ([0-9]{1,7}) (\S)$`)
	each        = regexp.MustCompile(`\$\{each ([0-9]{1,4})-([0-9]{1,4})\}`)
)

// Request returns the request with its placeholders replaced, answers included.
func (b Bindings) Request(request Request) (Request, error) { return bind(b, request) }

// Object returns the object with its placeholders replaced.
func (b Bindings) Object(object Object) (Object, error) { return bind(b, object) }

// Text returns the text with its placeholders replaced.
func (b Bindings) Text(text string) (string, error) { return bind(b, text) }

// bind replaces the placeholders in all keys and texts of a value. Those that stand for any text of a form are kept; see
// Matches.
func bind[T any](b Bindings, value T) (T, error) {
	var node yaml.Node
	var bound T
	if err := node.Encode(value); err != nil {
		return bound, fmt.Errorf("replacing placeholders: %w", err)
	}
	if err := b.node(&node); err != nil {
		return bound, err
	}
	if err := node.Decode(&bound); err != nil {
		return bound, fmt.Errorf("replacing placeholders: %w", err)
	}
	return bound, nil
}

func (b Bindings) node(node *yaml.Node) (err error) {
	width := 1 // nodes of an entry
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!str" {
			node.Value, err = b.replace(node.Value)
		}
		return err
	case yaml.MappingNode:
		width = 2
	}
	if node.Content, err = repeated(node.Content, width); err != nil {
		return err
	}
	for _, child := range node.Content {
		if err := b.node(child); err != nil {
			return err
		}
	}
	return nil
}

// repeated returns the entries of a list or a mapping, with those that have an ${each} as often as it says.
func repeated(nodes []*yaml.Node, width int) ([]*yaml.Node, error) {
	var all []*yaml.Node
	for i := 0; i+width <= len(nodes); i += width {
		entry := nodes[i : i+width]
		match := each.FindStringSubmatch(entry[0].Value)
		if match == nil {
			all = append(all, entry...)
			continue
		}
		first, _ := strconv.Atoi(match[1]) // digits, by the expression
		last, _ := strconv.Atoi(match[2])
		if first > last || len(all)/width+last-first >= maxEach {
			return nil, fmt.Errorf("%s is empty, or stands for more than %d entries", match[0], maxEach)
		}
		for number := first; number <= last; number++ {
			for _, node := range entry {
				once := *node
				once.Value = strings.ReplaceAll(node.Value, match[0], strconv.Itoa(number))
				all = append(all, &once)
			}
		}
	}
	return all, nil
}

func (b Bindings) replace(text string) (string, error) {
	var failed error
	replaced := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := match[2 : len(match)-1]
		if value, ok := b[name]; ok {
			return value
		}
		if parts := repeat.FindStringSubmatch(name); parts != nil {
			count, _ := strconv.Atoi(parts[1])
			if count <= maxRepeat {
				return strings.Repeat(parts[2], count)
			}
		}
		if _, ok := pattern(name); !ok {
			failed = fmt.Errorf("unknown placeholder %s", match)
		}
		return match
	})
	if failed == nil && len(replaced) > maxRepeat {
		failed = fmt.Errorf("a text with placeholders is longer than %d bytes", maxRepeat)
	}
	return replaced, failed
}

// Matches reports whether a text has the form of a template, in which these placeholders are left:
//
//	${any}             any text, also an empty one
//	${32 hex digits}   such as a request ID
//	${date}            a date of HTTP (RFC 9110, section 5.6.7)
//	${pod of NAME}     the name of a Pod
func Matches(template, text string) bool {
	if !strings.Contains(template, "${") {
		return template == text
	}
	var expression strings.Builder
	end := 0
	for _, match := range placeholder.FindAllStringSubmatchIndex(template, -1) {
		form, ok := pattern(template[match[2]:match[3]])
		if !ok {
			continue // a text that only looks like a placeholder
		}
		expression.WriteString(regexp.QuoteMeta(template[end:match[0]]) + form)
		end = match[1]
	}
	expression.WriteString(regexp.QuoteMeta(template[end:]))
	compiled, err := regexp.Compile(`(?s)^` + expression.String() + `$`)
	return err == nil && compiled.MatchString(text)
}

// pattern returns the regular expression of a placeholder that stands for any text of a form.
func pattern(name string) (string, bool) {
	switch {
	case name == "any":
		return `.*`, true
	case name == "32 hex digits":
		return `[0-9a-f]{32}`, true
	case name == "date":
		return `[A-Z][a-z]{2}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT`, true
	case strings.HasPrefix(name, "pod of "):
		return `[-.a-z0-9]+`, true
	}
	return "", false
}
