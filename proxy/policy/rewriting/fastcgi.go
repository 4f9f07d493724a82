package rewriting

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/proxy/fastcgi"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// FastCGI sets the parameters that endpoints of FastCGI get: those of nginx's file fastcgi_params, and then further ones.
type FastCGI struct {
	// Index is appended to paths that end in a slash, for $fastcgi_script_name.
	Index  string
	Params []Param
}

// Param is a parameter, whose value is a text with variables: those of package variable, and $fastcgi_script_name.
type Param struct{ Name, Value string }

// Stage implements policy.Policy.
func (FastCGI) Stage() policy.Stage { return policy.Rewriting }

// Text implements route.Policy.
func (p FastCGI) Text() string {
	text := "fastcgi"
	if p.Index != "" {
		text += fmt.Sprintf(" index=%q", p.Index)
	}
	for _, param := range p.Params {
		text += fmt.Sprintf(" %s=%q", param.Name, param.Value)
	}
	return text
}

// Equal implements route.Policy.
func (p FastCGI) Equal(other route.Policy) bool {
	o, ok := other.(FastCGI)
	return ok && p.Index == o.Index && slices.Equal(p.Params, o.Params)
}

// CheckParam returns an error if the value of a parameter has variables that are not supported.
func CheckParam(value string) error {
	_, err := parseParam(Param{Value: value})
	return err
}

// Bind implements policy.Binder.
func (p FastCGI) Bind(*policy.Binding) (hooks any, err error) {
	bound := &boundFastCGI{index: p.Index}
	for _, param := range slices.Concat(standardParams(), p.Params) {
		parsed, err := parseParam(param)
		if err != nil {
			return nil, fmt.Errorf("the FastCGI parameter %s: %w", param.Name, err)
		}
		bound.params = append(bound.params, parsed)
	}
	return bound, nil
}

const scriptName = "fastcgi_script_name"

// standardParams are those of fastcgi_params of nginx whose values are texts.
func standardParams() []Param {
	return []Param{
		{"QUERY_STRING", "$query_string"}, {"REQUEST_METHOD", "$request_method"}, {"SCRIPT_NAME", "$" + scriptName},
		{"REQUEST_URI", "$request_uri"}, {"DOCUMENT_URI", "$" + scriptName}, {"REQUEST_SCHEME", "$scheme"},
		{"GATEWAY_INTERFACE", "CGI/1.1"}, {"REMOTE_ADDR", "$remote_addr"}, {"SERVER_NAME", "$host"}, {"REDIRECT_STATUS", "200"},
	}
}

// param is a parsed parameter: its value is the templates with the name of the script between them.
type param struct {
	name  string
	parts []variable.Template
}

func parseParam(p Param) (param, error) {
	text := strings.ReplaceAll(p.Value, "${"+scriptName+"}", "$"+scriptName)
	parsed := param{name: p.Name}
	for part := range strings.SplitSeq(text, "$"+scriptName) {
		template, err := variable.Parse(part)
		if err != nil {
			return param{}, err
		}
		parsed.parts = append(parsed.parts, template)
	}
	return parsed, nil
}

type boundFastCGI struct {
	index  string
	params []param
}

// Request implements policy.RequestPolicy.
func (p *boundFastCGI) Request(r *policy.Request) (reply policy.Reply, answered bool) {
	dst := p.appendServer(r.Params, r)
	for i := range p.params {
		begun, value := fastcgi.BeginPair(dst, p.params[i].name)
		dst = begun
		for k, template := range p.params[i].parts {
			if k > 0 {
				dst = p.appendScript(dst, r)
			}
			dst = template.Append(dst, r)
		}
		dst = fastcgi.EndPair(dst, p.params[i].name, value)
	}
	r.Params = dst
	return policy.Reply{}, false
}

// appendScript appends the path as endpoints get it, decoded, with the index.
func (p *boundFastCGI) appendScript(dst []byte, r *policy.Request) []byte {
	decoded, err := urlpath.AppendDecoded(dst, r.Path)
	if err != nil { // a target of rewriting that is no path
		decoded = append(dst, r.Path...)
	}
	if p.index != "" && decoded[len(decoded)-1] == '/' {
		decoded = append(decoded, p.index...)
	}
	return decoded
}

// appendServer appends what the connection says.
func (p *boundFastCGI) appendServer(dst []byte, r *policy.Request) []byte {
	protocol, port := "HTTP/1.1", r.HTTPPort
	switch {
	case r.Message.Major == 2:
		protocol = "HTTP/2.0"
	case r.Message.Minor == 0:
		protocol = "HTTP/1.0"
	}
	if r.Scheme == "https" {
		port = r.HTTPSPort
		dst = fastcgi.AppendPair(dst, "HTTPS", "on")
	}
	dst = fastcgi.AppendPair(dst, "SERVER_PROTOCOL", protocol)
	begun, value := fastcgi.BeginPair(dst, "SERVER_PORT")
	return fastcgi.EndPair(strconv.AppendUint(begun, uint64(port), 10), "SERVER_PORT", value)
}
