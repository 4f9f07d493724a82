package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is something wrong with one setting. The setting then counts as not given.
type Fault struct {
	// Key as the user wrote it, with its prefix.
	Key string
	// Unsupported means that the key itself is not known, rather than its value being wrong.
	Unsupported bool
	Message     string
}

// reader returns the values of a set of keys, and records which were read and their faults.
type reader struct {
	prefix string // of the keys that are looked at, with the slash; "" for all
	values map[string]string
	known  map[string]bool
	faults []Fault
}

func newReader(prefix string, values map[string]string) *reader {
	return &reader{prefix: prefix, values: values, known: map[string]bool{}}
}

func (r *reader) text(name string) (value string, given bool) {
	r.known[r.prefix+name] = true
	value, given = r.values[r.prefix+name]
	return strings.TrimSpace(value), given
}

func (r *reader) boolean(name string, otherwise bool) bool {
	text, given := r.text(name)
	if !given {
		return otherwise
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		r.invalid(name, text, `it must be "true" or "false"`)
		return otherwise
	}
	return value
}

func (r *reader) integer(name string, least, most, otherwise int) int {
	text, given := r.text(name)
	if !given {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		r.invalid(name, text, fmt.Sprintf("it must be a whole number from %d to %d", least, most))
		return otherwise
	}
	return value
}

func (r *reader) choice(name, otherwise string, allowed ...string) string {
	text, given := r.text(name)
	if !given {
		return otherwise
	}
	if !slices.Contains(allowed, text) {
		r.invalid(name, text, "it must be one of "+strings.Join(allowed, ", "))
		return otherwise
	}
	return text
}

// checked is a text that has to satisfy a rule; a value that does not counts as "".
func (r *reader) checked(name string, valid func(string) bool, rule string) string {
	text, given := r.text(name)
	if !given {
		return ""
	}
	if !valid(text) {
		r.invalid(name, text, rule)
		return ""
	}
	return text
}

func (r *reader) invalid(name, value, rule string) {
	r.faults = append(r.faults, Fault{
		Key:     r.prefix + name,
		Message: fmt.Sprintf("%s: %q is not valid: %s", r.prefix+name, shorten(value), rule),
	})
}

// unsupported records a valid value whose feature is not supported.
func (r *reader) unsupported(name, message string) {
	key := r.prefix + name
	r.faults = append(r.faults, Fault{Key: key, Unsupported: true, Message: key + ": " + message})
}

// leftovers adds a fault for each key that was not read, and returns all faults in the order of their keys.
func (r *reader) leftovers() []Fault {
	for key := range r.values {
		if !strings.HasPrefix(key, r.prefix) || r.known[key] {
			continue
		}
		r.unsupported(strings.TrimPrefix(key, r.prefix), "not supported: it has no effect")
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
	return r.faults
}

// shorten keeps a value that may be up to 256 KiB readable in a message.
func shorten(value string) string {
	const most = 60
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return value
}
