package route

import (
	"fmt"
	"strings"
)

// Text is the match in one line: `prefix /a method="GET" header X-A="b" query q=~"[0-9]+"`, where =~ stands for a regular
// expression.
func (m Match) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s", m.Path.Kind, m.Path.Value)
	if m.Path.IgnoreCase {
		text.WriteString(" ignoring case")
	}
	for _, condition := range m.Conditions() {
		text.WriteString(" " + condition)
	}
	return text.String()
}

// Conditions are the texts of what is matched besides the path.
func (m Match) Conditions() []string {
	var conditions []string
	if m.Method != "" {
		conditions = append(conditions, fmt.Sprintf("method=%q", m.Method))
	}
	for _, header := range m.Headers {
		conditions = append(conditions, "header "+header.text())
	}
	for _, parameter := range m.Query {
		conditions = append(conditions, "query "+parameter.text())
	}
	return conditions
}

func (v ValueMatch) text() string {
	operator := "="
	if v.Regex {
		operator = "=~"
	}
	return fmt.Sprintf("%s%s%q", v.Name, operator, v.Value)
}

// String is "prefix", "exact" or "regex".
func (k PathKind) String() string {
	switch k {
	case Prefix:
		return "prefix"
	case Exact:
		return "exact"
	case Regex:
		return "regex"
	}
	return fmt.Sprintf("PathKind(%d)", uint8(k))
}

// Text is the backend, "upstream (namespace/service:port)", or all of them with their weights.
func (f Forward) Text() string {
	if len(f.Backends) == 1 && f.Backends[0].Weight == 1 {
		return f.Backends[0].text()
	}
	var backends []string
	for _, b := range f.Backends {
		backends = append(backends, fmt.Sprintf("%s weight=%d", b.text(), b.Weight))
	}
	if len(backends) == 0 {
		return "no backend"
	}
	return strings.Join(backends, ", ")
}

func (b Backend) text() string {
	text := b.Upstream
	if b.Deny != nil {
		text = b.Deny.Text()
	}
	if b.Secure != "" {
		text += " or, over HTTPS, " + b.Secure
	}
	if b.Service == (ServiceRef{}) {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, b.Service)
}

// String is "namespace/name:port", or without the port if that is not known.
func (s ServiceRef) String() string {
	if s.Port == "" {
		return fmt.Sprintf("%s/%s", s.Namespace, s.Name)
	}
	return fmt.Sprintf("%s/%s:%s", s.Namespace, s.Name, s.Port)
}

// String is "Kind namespace/name".
func (o ObjectRef) String() string { return fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name) }

func (o ObjectRef) from() string {
	if o == (ObjectRef{}) {
		return ""
	}
	return " from " + o.String()
}

// Text is `redirect 308 scheme=https`, with the fields that are given.
func (r Redirect) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "redirect %d", r.Status)
	for _, field := range []struct{ name, value string }{
		{"url", r.URL}, {"scheme", r.Scheme}, {"host", r.Host},
	} {
		if field.value != "" {
			fmt.Fprintf(&text, " %s=%s", field.name, field.value)
		}
	}
	if r.Port != 0 {
		fmt.Fprintf(&text, " port=%d", r.Port)
	}
	if r.Path != (PathChange{}) {
		fmt.Fprintf(&text, " %s=%s", r.Path.Kind, r.Path.Value)
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"without query", r.DropQuery}, {"without last slash", r.CutSlash}, {"with port", r.ShowPort}} {
		if flag.set {
			fmt.Fprintf(&text, " %s", flag.name)
		}
	}
	return text.String()
}

// String is "path" or "prefix", after what is replaced.
func (k PathChangeKind) String() string {
	switch k {
	case KeepPath:
		return "keep"
	case ReplacePath:
		return "path"
	case ReplacePrefix:
		return "prefix"
	}
	return fmt.Sprintf("PathChangeKind(%d)", uint8(k))
}

// Text is `deny 503 "reason"`.
func (d Deny) Text() string { return fmt.Sprintf("deny %d %q", d.Status, d.Reason) }
