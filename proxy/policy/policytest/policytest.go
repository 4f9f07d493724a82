// Package policytest has what tests of policies need.
package policytest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/urlpath"
)

// Request is a request in plain text, given by its request line and its fields, as a policy sees it.
func Request(t testing.TB, head string) *policy.Request {
	t.Helper()
	m := new(message.Request)
	if err := m.Parse([]byte(head+"\r\n\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(string(m.Host), ":")
	decoded, err := urlpath.AppendDecoded(nil, m.Path)
	if err != nil {
		t.Fatal(err)
	}
	return &policy.Request{
		Message: m, Host: []byte(name), Authority: m.Host, Path: slices.Clone(m.Path), Decoded: decoded, Scheme: "http",
		Client: netip.MustParseAddr("192.0.2.1"), HTTPPort: 80, HTTPSPort: 443, Context: t.Context(),
	}
}

// Reply is an endpoint's reply with a status line and fields.
func Reply(t testing.TB, head string) *message.Response {
	t.Helper()
	reply := new(message.Response)
	if err := reply.Parse([]byte(head+"\r\n\r\n"), 100); err != nil {
		t.Fatal(err)
	}
	return reply
}

// Sent is the field lines of a reply as the client gets them.
func Sent(r *policy.Request, reply *message.Response) string {
	return string(reply.AppendForwarded(nil)) + string(r.ReplyLines)
}

// Compile makes a chain.
func Compile(t testing.TB, policies ...route.Policy) policy.Chain {
	t.Helper()
	chain, err := policy.Compile(policies, new(policy.States))
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// Distinct fails unless the policies differ from each other, by Equal and by their texts.
func Distinct(t testing.TB, policies ...route.Policy) {
	t.Helper()
	for i, a := range policies {
		for j, b := range policies {
			if a.Equal(b) != (i == j) || (a.Text() == b.Text()) != (i == j) {
				t.Errorf("%q and %q: equal is %t", a.Text(), b.Text(), a.Equal(b))
			}
		}
	}
}
