package accesslog

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/balance"
)

type appender = func(b []byte, e *Entry, name string) []byte

// values are the variables of nginx, and those of ingress-nginx, by name.
func values() map[string]appender {
	all := map[string]appender{
		"time_local":   func(b []byte, e *Entry, _ string) []byte { return e.Time.AppendFormat(b, "02/Jan/2006:15:04:05 -0700") },
		"time_iso8601": func(b []byte, e *Entry, _ string) []byte { return e.Time.AppendFormat(b, "2006-01-02T15:04:05-07:00") },
		"msec": func(b []byte, e *Entry, _ string) []byte {
			millis := e.Time.UnixMilli()
			b = strconv.AppendInt(b, millis/1000, 10)
			return append(b, '.', byte('0'+millis/100%10), byte('0'+millis/10%10), byte('0'+millis%10))
		},
		"remote_user": appendUser,
		"request":     appendRequest,
		"request_uri": appendTarget,
		"args":        text(func(e *Entry) string { return e.Query }),
		"is_args": func(b []byte, e *Entry, _ string) []byte {
			return appendIf(b, e.Request != nil && e.Request.HasQuery, "?")
		},
		"uri":             text(func(e *Entry) string { return e.Path }),
		"request_method":  text(func(e *Entry) string { return e.Method }),
		"server_protocol": text(func(e *Entry) string { return e.Protocol }),
		"scheme":          text(func(e *Entry) string { return e.Scheme }),
		"http_host":       text(func(e *Entry) string { return e.Host }),
		"host":            appendHost,
		"status":          func(b []byte, e *Entry, _ string) []byte { return strconv.AppendInt(b, int64(e.Status), 10) },
		"body_bytes_sent": func(b []byte, e *Entry, _ string) []byte { return strconv.AppendInt(b, e.BytesOut, 10) },
		"request_length":  appendLength,
		"request_time":    func(b []byte, e *Entry, _ string) []byte { return appendMillis(b, e.Duration) },
		"req_id":          text(func(e *Entry) string { return e.RequestID }),
		"namespace":       text(func(e *Entry) string { return e.Namespace }),
		"ingress_name":    text(func(e *Entry) string { return e.Ingress }),
		"service_name":    text(func(e *Entry) string { return e.Service }),
		"service_port":    text(func(e *Entry) string { return e.ServicePort }),

		"proxy_upstream_name":             text(func(e *Entry) string { return e.Upstream }),
		"proxy_alternative_upstream_name": text(func(*Entry) string { return "" }),
		"upstream_addr":                   text(func(e *Entry) string { return e.Endpoint }),
		"upstream_status": ofEndpoint(func(b []byte, e *Entry) []byte {
			return strconv.AppendInt(b, int64(e.Status), 10)
		}),
		"upstream_response_length": ofEndpoint(func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.BytesOut, 10) }),
		"upstream_response_time":   ofEndpoint(func(b []byte, e *Entry) []byte { return appendMillis(b, e.UpstreamTime) }),
		"remote_addr": func(b []byte, e *Entry, _ string) []byte {
			return e.Client.AppendTo(b)
		},
	}
	for alias, name := range map[string]string{
		"query_string": "args", "document_uri": "uri", "best_http_host": "http_host", "request_id": "req_id", "the_real_ip": "remote_addr",
		"pass_access_scheme": "scheme", "upstream_header_time": "upstream_response_time",
	} {
		all[alias] = all[name]
	}
	return all
}

// families are the variables that have a name behind them.
func families() map[string]appender {
	return map[string]appender{"http_": appendField, "cookie_": appendCookie, "arg_": appendArgument}
}

func text(value func(e *Entry) string) appender {
	return func(b []byte, e *Entry, _ string) []byte { return append(b, value(e)...) }
}

// ofEndpoint is a variable that is empty for requests that no endpoint got.
func ofEndpoint(value func(b []byte, e *Entry) []byte) appender {
	return func(b []byte, e *Entry, _ string) []byte {
		if e.Endpoint == "" {
			return b
		}
		return value(b, e)
	}
}

func appendIf(b []byte, condition bool, text string) []byte {
	if condition {
		b = append(b, text...)
	}
	return b
}

// appendTarget appends the target as the client has sent it.
func appendTarget(b []byte, e *Entry, _ string) []byte {
	if e.Request == nil {
		return b
	}
	b = append(b, e.Request.Path...)
	if e.Request.HasQuery {
		b = append(append(b, '?'), e.Request.Query...)
	}
	return b
}

func appendRequest(b []byte, e *Entry, _ string) []byte {
	b = append(append(b, e.Method...), ' ')
	b = append(appendTarget(b, e, ""), ' ')
	return append(b, e.Protocol...)
}

// appendHost appends the host in lower case, without its port.
func appendHost(b []byte, e *Entry, _ string) []byte {
	host := e.Host
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	for i := range len(host) {
		c := host[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	return b
}

// appendLength appends the length of the request line, the fields and the body.
func appendLength(b []byte, e *Entry, _ string) []byte {
	length := e.BytesIn
	if r := e.Request; r != nil {
		length += int64(len(r.Method) + len(r.Path) + len(r.Query) + len(e.Protocol) + len("  \r\n\r\n"))
		if r.HasQuery {
			length++
		}
		for i := range r.Fields {
			length += int64(len(r.Fields[i].Name) + len(r.Fields[i].Value) + len(": \r\n"))
		}
	}
	return strconv.AppendInt(b, length, 10)
}

// appendUser appends the name in the credentials of basic authentication (RFC 7617).
func appendUser(b []byte, e *Entry, _ string) []byte {
	if e.Request == nil {
		return b
	}
	credentials, _ := e.Request.Lookup("authorization")
	const scheme = "basic "
	if len(credentials) < len(scheme) || !strings.EqualFold(string(credentials[:len(scheme)]), scheme) {
		return b
	}
	start := len(b)
	b, err := base64.StdEncoding.AppendDecode(b, bytes.TrimSpace(credentials[len(scheme):]))
	colon := bytes.IndexByte(b[start:], ':')
	if err != nil || colon < 0 {
		return b[:start]
	}
	return b[:start+colon]
}

func appendField(b []byte, e *Entry, name string) []byte {
	if e.Request == nil {
		return b
	}
	for i := range e.Request.Fields {
		field := &e.Request.Fields[i]
		if len(field.Name) == len(name) && isField(field.Name, name) {
			return append(b, field.Value...)
		}
	}
	return b
}

// isField reports whether a variable stands for a field: in lower case, with underscores for dashes.
func isField(field []byte, name string) bool {
	for i, c := range field {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c == '-' {
			c = '_'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

func appendCookie(b []byte, e *Entry, name string) []byte {
	if e.Request == nil {
		return b
	}
	value, _ := balance.Cookie(e.Request, name)
	return append(b, value...)
}

// appendArgument appends the value of the first parameter of a name.
func appendArgument(b []byte, e *Entry, name string) []byte {
	for pair := range strings.SplitSeq(e.Query, "&") {
		if value, found := strings.CutPrefix(pair, name); found && strings.HasPrefix(value, "=") {
			return append(b, value[1:]...)
		}
	}
	return b
}
