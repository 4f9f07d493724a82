package setting

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something wrong with one setting. The setting then counts as not given.
type Fault struct {
	// Key as the user wrote it, with its prefix.
	Key string
	// Unsupported means that the setting is not supported, rather than its value being wrong.
	Unsupported bool
	// Refused says that ingress-nginx refuses an Ingress with the setting or value, too.
	Refused bool
	Message string
}

// Reader gives out the values of a table's supported settings, and collects faults. Settings that are not given, never have an
// effect or are refused have no value.
type Reader struct {
	prefix string // of the keys, with the slash; "" for none
	table  Table
	values map[string]string // by name without prefix
	unread map[string]bool
	faults []Fault
	denied []string
	// protects is whether a setting was given that restricts access.
	protects bool
}

// NewReader makes a reader of the values whose keys begin with the prefix.
func NewReader(table Table, prefix string, values map[string]string) *Reader {
	r := &Reader{prefix: prefix, table: table}
	for key, value := range values {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			r.add(name, strings.TrimSpace(value))
		}
	}
	return r
}

func (r *Reader) add(name, value string) {
	setting := r.table.Lookup(name)
	switch {
	case setting == nil && looksProtecting(name):
		r.Deny(name, "there is no such setting")
	case setting == nil:
		r.Unsupported(name, "unknown: it has no effect")
	case value == "" && !setting.Decision.emptyCounts:
	case setting.Decision.asksNothing != nil && setting.Decision.asksNothing(value):
	case setting.Decision.Kind == Supported, setting.Decision.reproduced:
		r.protects = r.protects || setting.Decision.Protects
		if r.values == nil {
			r.values, r.unread = map[string]string{}, map[string]bool{}
		}
		r.values[name], r.unread[name] = value, true
	case setting.Decision.Kind == Harmless:
	case setting.Decision.Protects:
		r.Deny(name, setting.Decision.Reason)
	default:
		r.Unsupported(name, "it has no effect: "+setting.Decision.Reason)
	}
}

// Text is the value of a setting, without white space around it.
func (r *Reader) Text(name string) (value string, given bool) {
	value, given = r.values[name]
	if given {
		delete(r.unread, name)
	}
	return value, given
}

// Bool is "true" or "false", in the forms that strconv.ParseBool takes.
func (r *Reader) Bool(name string, otherwise bool) bool {
	text, given := r.Text(name)
	if !given {
		return otherwise
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		r.Invalid(name, text, `it must be "true" or "false"`)
		return otherwise
	}
	return value
}

// Int is a whole number within limits.
func (r *Reader) Int(name string, least, most, otherwise int) int {
	text, given := r.Text(name)
	if !given {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		r.Invalid(name, text, fmt.Sprintf("it must be a whole number from %d to %d", least, most))
		return otherwise
	}
	return value
}

// Seconds is a positive number of seconds.
func (r *Reader) Seconds(name string, otherwise time.Duration) time.Duration {
	if value := r.Int(name, 1, math.MaxInt32, 0); value > 0 {
		return time.Duration(value) * time.Second
	}
	return otherwise
}

// Time is a time as nginx writes it, longer than 0.
func (r *Reader) Time(name string, otherwise time.Duration) time.Duration {
	text, given := r.Text(name)
	if !given {
		return otherwise
	}
	value, ok := Time(text)
	if !ok || value == 0 {
		r.Invalid(name, text, "it must be a time longer than 0, such as 30s, 10m or 1h")
		return otherwise
	}
	return value
}

// Choice is one of the allowed texts.
func (r *Reader) Choice(name, otherwise string, allowed ...string) string {
	text, given := r.Text(name)
	if !given {
		return otherwise
	}
	if !slices.Contains(allowed, text) {
		r.Invalid(name, text, "it must be one of "+strings.Join(allowed, ", "))
		return otherwise
	}
	return text
}

// Checked is a text that has to satisfy a rule; a value that does not counts as "".
func (r *Reader) Checked(name string, valid func(string) bool, rule string) string {
	text, given := r.Text(name)
	if !given {
		return ""
	}
	if !valid(text) {
		r.Invalid(name, text, rule)
		return ""
	}
	return text
}

// Invalid records an invalid value. If the setting restricts access, the paths are denied.
func (r *Reader) Invalid(name, value, rule string) {
	message := fmt.Sprintf("%s: %q is not valid: %s", r.prefix+name, Shorten(value), rule)
	setting := r.table.Lookup(name)
	if setting != nil && setting.Decision.Protects {
		r.Deny(name, fmt.Sprintf("%q is not valid: %s", Shorten(value), rule))
		return
	}
	r.faults = append(r.faults, Fault{Key: r.prefix + name, Refused: setting != nil && setting.Decision.strict, Message: message})
}

// Unsupported records a valid value whose feature is not supported.
func (r *Reader) Unsupported(name, message string) {
	key := r.prefix + name
	r.faults = append(r.faults, Fault{Key: key, Unsupported: true, Message: key + ": " + message})
}

// Protecting is a setting that restricts access: the paths must be denied if its value is wrong.
func (r *Reader) Protecting(name, otherwise string, check func(text string) error) string {
	text, given := r.Text(name)
	if !given {
		return otherwise
	}
	if err := check(text); err != nil {
		r.Deny(name, fmt.Sprintf("%q is not valid: %v", Shorten(text), err))
		return otherwise
	}
	return text
}

// Deny records that a setting which restricts access can't be applied: the paths must be denied.
func (r *Reader) Deny(name, message string) {
	key := r.prefix + name
	setting := r.table.Lookup(name)
	r.faults = append(r.faults, Fault{
		Key: key, Refused: setting != nil && setting.Decision.Kind == Refused,
		Message: fmt.Sprintf("%s: %s; the paths answer 503", key, message),
	})
	r.Close(name + ": " + message)
	r.protects = true
}

// Close denies the paths for a reason that is reported elsewhere.
func (r *Reader) Close(reason string) { r.denied = append(r.denied, reason) }

// Denied is why the paths must be denied, the first of several reasons in their order; "" if they need not.
func (r *Reader) Denied() string {
	if len(r.denied) == 0 {
		return ""
	}
	return slices.Min(r.denied)
}

// Apart runs a parser, and returns why the paths would have to be denied by what it has read; they need not be for that
// alone.
func (r *Reader) Apart(parse func()) (denied string) {
	before := r.denied
	r.denied = nil
	parse()
	denied = r.Denied()
	r.denied = before
	return denied
}

// Protects reports whether a setting was given that restricts access.
func (r *Reader) Protects() bool { return r.protects }

// Faults are in the order of their keys.
func (r *Reader) Faults() []Fault {
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
	return r.faults
}

// Unread are the names of supported settings that were given and not read, in their order: none, unless a parser is
// missing.
func (r *Reader) Unread() []string {
	var names []string
	for name := range r.unread {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// looksProtecting reports whether a name that is not in the table may be that of a protecting setting, written wrongly.
func looksProtecting(name string) bool {
	return strings.HasPrefix(name, "auth-") || strings.HasPrefix(name, "global-auth-") ||
		strings.HasPrefix(name, "block-") || strings.HasSuffix(name, "-source-range")
}

// Shorten keeps a value that may be up to 256 KiB readable in a message.
func Shorten(value string) string {
	const most = 60
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return value
}
