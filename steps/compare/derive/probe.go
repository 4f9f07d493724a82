// Package derive makes requests from the Ingresses of a user: for each host, path and annotation, what lies on both sides of each
// boundary. It is a pure function of the objects, and its rules are the document docs/compare-rules.md.
package derive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Probe is a request, with the reasons why it is sent.
type Probe struct {
	// ID is the same for the same request in every run.
	ID      string
	Request record.Request
	From    From
	Judge   Judge
	// Limited is whether the Ingress limits how many requests an address may send.
	Limited bool
	// Reasons, at least one. That of the first Ingress comes first.
	Reasons []Reason
}

// From is the address that a request comes from.
type From string

// The addresses.
const (
	// Anywhere is an address that no list of the user is meant for.
	Anywhere From = ""
	// Allowed is in every list of addresses that are let in, and Denied in every list of those that are kept out.
	Allowed From = "allowed"
	Denied  From = "denied"
)

// Judge is how the answers to a repeated request are compared.
type Judge string

// The ways to judge.
const (
	// Equal is for a request that is sent once.
	Equal Judge = ""
	// Share compares how often which backend answers.
	Share Judge = "share"
	// Session compares whether the same Pod answers again.
	Session Judge = "session"
	// Burst compares whether some of many requests are refused.
	Burst Judge = "burst"
)

// Reason is what a request probes.
type Reason struct {
	// Ingress is namespace/name.
	Ingress string `json:"ingress"`
	// Host and Path are those of the Ingress's rule; Host is "" for a rule without one.
	Host string `json:"host,omitempty"`
	Path string `json:"path,omitempty"`
	// Rule is "path", "host", "scheme" or the name of an annotation, and Case the side of its boundary.
	Rule string `json:"rule"`
	Case string `json:"case"`
	// Protects is whether an annotation restricts access.
	Protects bool `json:"protects,omitempty"`
}

// asWritten is the case of requests for a path as the rule has it.
const asWritten = "as written"

// IsRule reports whether the request is one for the path of a rule as it is written, which the rule serves whatever the annotations say.
func (r Reason) IsRule() bool { return r.Rule == "path" && r.Case == asWritten }

// String is one line.
func (r Reason) String() string { return r.Rule + ": " + r.Case }

// IsURL reports whether a URL says where the request goes: it names a host, whose port is a number, and a path.
func (p *Probe) IsURL() bool {
	_, port, explicit := strings.Cut(p.Request.Host, ":")
	_, err := strconv.ParseUint(port, 10, 16)
	return p.Request.Host != "" && (!explicit || err == nil) && strings.HasPrefix(p.Request.Target, "/") && p.Request.Version == ""
}

// id is a hash of all that decides the answer.
func (p *Probe) id() string {
	content, err := json.Marshal([]any{p.Request, p.From, p.Judge})
	if err != nil { // a request has only texts and numbers
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// unknownHost is a host that no Ingress has.
const unknownHost = "no-ingress-has-this.invalid"

// ToUnknownHost returns the same request for a host that no Ingress has.
func (p *Probe) ToUnknownHost() Probe { return p.host(unknownHost) }

// The methods below return changed copies.

func (p Probe) to(target string) Probe {
	p.Request.Target = target
	return p
}

func (p Probe) host(host string) Probe {
	p.Request.Host = host
	return p
}

func (p Probe) header(line string) Probe {
	name, _, _ := strings.Cut(line, ":")
	p = p.without(name)
	p.Request.Headers = append(p.Request.Headers, line)
	return p
}

// without leaves out a header field.
func (p Probe) without(name string) Probe {
	var kept []string
	for _, line := range p.Request.Headers {
		if field, _, _ := strings.Cut(line, ":"); !strings.EqualFold(field, name) {
			kept = append(kept, line)
		}
	}
	p.Request.Headers = kept
	return p
}

func (p Probe) secure(https bool) Probe {
	p.Request.HTTPS = https
	if !https {
		p.Request.ClientCertificate = ""
	}
	return p
}

func (p Probe) certificate(name string) Probe {
	p.Request.ClientCertificate = name
	return p
}

func (p Probe) from(from From) Probe {
	p.From = from
	return p
}

func (p Probe) method(method string) Probe {
	p.Request.Method = method
	return p
}

func (p Probe) body(bytes int) Probe {
	p.Request.Method, p.Request.BodyBytes = "POST", bytes
	return p
}

// repeated sends the request several times on one connection.
func (p Probe) repeated(times int, judge Judge) Probe {
	p.Request.Times, p.Request.SameConnection, p.Judge = times, true, judge
	return p
}
