package compatibility

// messageRows are the differences in how HTTP messages are read and written.
func messageRows() []Row {
	return []Row{
		{
			HostField,
			"A request whose target is a URL is routed by the URL's host, and forwarded with the Host field that it has.",
			"It is forwarded with the URL's host.",
			"RFC 9112 section 3.2.2. A client could get another host's content from a backend that several hosts share, past the other host's access control.",
			"",
			"proxy: TestQuirkHostField",
		},
		{
			LooseHosts,
			"A Host field may have any text as a port, and @ in its name. It is refused if it is empty or has two dots in a row. A wildcard stands for letters, digits, hyphens and underscores.",
			"A Host field is a host and a port as RFC 9110 section 7.2 has them, and a wildcard stands for one label.",
			"A server that parses the field in another way could see another host.",
			"",
			"proxy: TestQuirkLooseHosts",
		},
		{
			RequestLines,
			"Methods in lower case, OPTIONS *, CONNECT with a host and HTTP/0.9 are answered with 400.",
			"Any token is a method, OPTIONS * is answered, CONNECT gets 405, and an unknown version 505.",
			"RFC 9110 sections 9.1, 9.3.7, 15.5.6 and 15.6.6.",
			"",
			"proxy: TestQuirkRequestLines",
		},
		{
			HeaderLimits,
			"large-client-header-buffers limits a line of a request's header (8 KiB) and the whole (four times as much). What is larger gets 400, a larger request line 414. Fields are not counted (here: 1024 at most).",
			"A header may have 32 KiB and 128 fields. What is larger gets 431, a larger request line 414.",
			"RFC 6585 section 5: clients can see what was wrong.",
			"",
			"proxy: TestQuirkHeaderStatus",
		},
		{
			ReplyHeaderSize,
			"A reply of a backend is answered with 502 if its header is larger than proxy-buffer-size (4 KiB).",
			"The header may have 32 KiB.",
			"A few long cookies should not take an application down.",
			"",
			"proxy: TestReplyHeaderLimit",
		},
		{
			NoAllow,
			"Replies with status 405 have no Allow field.",
			"They have one.",
			"RFC 9110 section 15.5.6 requires it.",
			"",
			"proxy: TestQuirkNoAllow",
		},
		{
			LoneUpgrade,
			"A backend gets Upgrade, and a Connection field for it, also if the client's Connection field does not nominate Upgrade.",
			"Upgrade is forwarded only if Connection nominates it.",
			"RFC 9110 section 7.8: a proxy in front of this one that does not know Upgrade may have left it in the request.",
			"",
			"proxy: TestQuirkLoneUpgrade",
		},
		{
			NominatedFields,
			"Clients get the fields that a backend's Connection field nominates.",
			"They are removed.",
			"RFC 9110 section 7.6.1: they are meant for the proxy alone.",
			"",
			"proxy: TestQuirkNominatedFields",
		},
		{
			Accel,
			"X-Accel-Redirect in a backend's reply has the client answered with another path of its host, X-Accel-Limit-Rate limits how fast the body is sent, and clients see no X-Accel field.",
			"These fields are forwarded like any other.",
			"They are nginx's own: in a backend that was written for several proxies, they are not expected to have an effect.",
			"",
			"proxy: TestQuirkAccel",
		},
		{
			PlainErrors,
			"Errors of the controller itself are pages with an HTTP status, also for calls of gRPC.",
			"Calls of gRPC get the status of gRPC that stands for the HTTP status, in a reply with the HTTP status 200.",
			"Some clients of gRPC read nothing else, and the others lose the text.",
			"No recorded request is a call of gRPC.",
			"proxy: TestQuirkPlainErrors",
		},
	}
}
