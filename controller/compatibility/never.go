package compatibility

// Never is what ingress-nginx does and no mode reproduces: it would let a request pass the rules, split one request into two,
// give a client the reply of another, or block the changes of all Ingresses.
type Never struct{ Theirs, Why string }

// NeverReproduced lists all of them.
func NeverReproduced() []Never {
	return []Never{
		{
			"Upgrade is forwarded whatever protocol it names, h2c included.",
			"A backend that agrees takes further requests on the connection, which no rule and no access control sees. Offers of h2c, HTTP and TLS are ignored.",
		},
		{
			"A backend may switch protocols although the client's Connection field does not nominate Upgrade.",
			"A proxy in front that does not expect it would take the new protocol for replies, also to requests of others. The client gets 502.",
		},
		{
			"Lines of a header, and of a chunked body, may end in LF alone.",
			"A server that ends lines in another way would see other requests on the same connection. Such requests are refused (400).",
		},
		{
			"A Host field may have any character but white space, control characters and slashes.",
			"Characters such as # and ? end the host in the URL of a redirect. Those that names in URLs don't have are refused, but for @.",
		},
		{
			"A wrong setting of one Ingress can make the configuration of nginx invalid. No change of any Ingress takes effect until it is gone.",
			"All other Ingresses would be affected. Only the Ingress with the wrong setting is left out.",
		},
	}
}

// Artefact is checks of the record that show no behaviour, but how the record was made.
type Artefact struct {
	Reason string
	Checks []Check
}
