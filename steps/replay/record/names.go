package record

import (
	"fmt"
	"slices"
	"strings"
)

// CheckNames are the names of a case's checks: the admission of each object, whose names are empty where it wasn't recorded,
// and then each request in one line. Requests that read the same are numbered.
func (c *Case) CheckNames() []string {
	names := make([]string, 0, len(c.Objects)+len(c.Requests))
	for _, object := range c.Objects {
		name := ""
		if _, recorded := c.Admission[object.Name()]; recorded {
			name = "admission of " + object.Kind() + " " + object.Name()
		}
		names = append(names, name)
	}
	for i := range c.Requests {
		summary := c.Requests[i].Summary()
		name := summary
		for n := 2; slices.Contains(names, name); n++ {
			name = fmt.Sprintf("%s (%d)", summary, n)
		}
		names = append(names, name)
	}
	return names
}

// Summary is a request in one line.
func (r *Request) Summary() string {
	var text strings.Builder
	method := r.Method
	if method == "" {
		method = "GET"
	}
	scheme := "http"
	if r.HTTPS {
		scheme = "https"
	}
	switch {
	case r.Raw != "":
		fmt.Fprintf(&text, "%d raw bytes", len(r.Raw))
	case strings.HasPrefix(r.Target, "/") && r.Host != "":
		fmt.Fprintf(&text, "%s %s://%s%s", method, scheme, r.Host, r.Target)
	case r.Host != "":
		fmt.Fprintf(&text, "%s %s, Host %s", method, r.Target, r.Host)
	default:
		fmt.Fprintf(&text, "%s %s", method, r.Target)
	}
	if r.Version != "" {
		text.WriteString(" " + r.Version)
	}
	const most = 4
	for i, header := range append(slices.Clone(r.OnlyHeaders), r.Headers...) {
		if i == most {
			text.WriteString(", …")
			break
		}
		text.WriteString(", " + header)
	}
	for _, part := range []struct {
		given bool
		text  string
	}{
		{r.ServerName != "", "server name " + r.ServerName},
		{r.HTTP2, "HTTP/2"},
		{r.MaxTLS != "", "at most " + r.MaxTLS},
		{r.ClientCertificate != "", "certificate of " + r.ClientCertificate},
		{r.Port != "", "to the port for " + r.Port},
		{r.BodyBytes > 0, fmt.Sprintf("%d bytes", r.BodyBytes)},
		{r.KeepCookies, "keeping cookies"},
		{r.SameConnection, "on one connection"},
		{r.Times > 1, fmt.Sprintf("%d times", r.Times)},
	} {
		if part.given {
			text.WriteString(", " + part.text)
		}
	}
	return text.String()
}
