//go:build linux

package podspec

import "strings"

// Expand replaces $(NAME) by what lookUp finds, in commands, arguments and environment variables (Kubernetes API,
// field command of Container). $$ is a single $, so $$(NAME) stays $(NAME). What is not found stays as it is.
func Expand(s string, lookUp func(name string) (string, bool)) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		switch s[i+1] {
		case '$':
			b.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(s[i+2:], ')')
			if end < 0 { // no name: the rest is plain text
				b.WriteString(s[i : i+2])
				i++
				continue
			}
			name := s[i+2 : i+2+end]
			if value, ok := lookUp(name); ok {
				b.WriteString(value)
			} else {
				b.WriteString("$(" + name + ")")
			}
			i += 2 + end
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

// ExpandWith is Expand with variables as a process has them, "NAME=value".
func ExpandWith(s string, env []string) string {
	return Expand(s, func(name string) (string, bool) {
		for _, entry := range env {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value, true
			}
		}
		return "", false
	})
}
