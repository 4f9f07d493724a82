// Package proxy is the data plane of the test-bed: a reverse proxy for HTTP/1.1 and HTTP/2 that does what a
// route.Table says and knows nothing of where the table comes from.
//
//	server, err := proxy.New(proxy.Config{Logger: logger})
//	problems := server.Apply(table)        // any number of times, also while it serves
//	err = server.Serve(ctx, plain, secure) // until ctx is done and running requests have ended
//
// # Which backend answers
//
// A host that is named exactly beats a wildcard (one label), which beats the host "". An exact path beats the longest
// prefix by path element. The path is normalised first, by the rules of package urlpath, and what was routed on is
// what is forwarded. Endpoints have their turns exactly, over all connections (balance.Rotation). A canary's rules are
// asked in the order header, cookie, weight; a session cookie comes before them.
//
// # What the proxy answers by itself
//
//	308 the route redirects to HTTPS            417 an expectation other than 100-continue
//	400 the request is not HTTP, or ambiguous   431 the header is too large
//	404 no route                                501 a transfer coding other than chunked
//	405 CONNECT and TRACE                       502 the endpoint refuses or breaks the connection
//	408 the header or body came too slowly      503 the upstream is missing or has no endpoint
//	413 the body is too large                   504 the endpoint is too slow
//	414 the request target is too long          505 a version other than HTTP/1.x and HTTP/2
//
// # What backends are told
//
// X-Request-ID (32 hexadecimal digits; the client's own is kept), X-Real-IP and X-Forwarded-For (the peer; a client's
// own value is kept in X-Original-Forwarded-For), X-Forwarded-Host (the Host field, port included; a client's own value is
// kept in X-Original-Forwarded-Host), X-Forwarded-Port, X-Forwarded-Proto, X-Forwarded-Scheme and X-Scheme, as from
// ingress-nginx; nothing else is added. The Host field is kept, hop-by-hop fields (RFC 9110 section 7.6.1) are removed,
// and so are Forwarded, True-Client-IP, X-Forwarded-Prefix and X-Forwarded-Ssl, which ingress-nginx passes on. What
// trusted proxies may say instead (route.Forwarded) is described in package forwarded.
//
// # Names and certificates
//
// A request is served by its Host field, whatever name the TLS handshake had (SNI), as by ingress-nginx: 421 (RFC 9110
// section 15.5.20) is never the answer, because browsers reuse connections for all names of a certificate. A session
// that is resumed under another name than it was made for is resumed: no client is identified by a certificate, so that
// nothing but the encryption is carried over. Plain HTTP on the TLS port gets 400.
//
// # What endpoints are spoken to in
//
// An upstream's route.Protocol: HTTP/1.1 or HTTP/2, in plain text or over TLS 1.2 or 1.3. Over TLS, as with
// ingress-nginx, their certificates are not verified and no server name is sent unless route.TLS says so. Connections
// are kept and sessions resumed for each endpoint and each route.TLS: one that was made without verification serves
// none that wants it. What of the settings can't work is a problem of Apply, and the upstream answers 503.
//
// # When a request is sent again
//
// If no connection to the endpoint could be made, TLS handshake included, any request goes to the next one. If the
// connection broke before the reply's header was whole, a safe request (GET, HEAD, OPTIONS) without a body does; others
// are answered 502, because they may have been served. A slow endpoint (504) is not given up for another. At most
// Limits.Attempts endpoints are asked. An idle connection that the endpoint has closed meanwhile does not count as an
// attempt.
//
// # When an endpoint is late
//
// The time for a reply begins when the request was sent. While a body is still coming from the client it does not run;
// while the endpoint takes nothing of a body that is there, or does not invite a client that waits for "100 Continue",
// it does.
//
// # When a client goes away
//
// The request to the endpoint is cancelled (its connection closed, or its stream reset), and the access log says 499,
// as ingress-nginx does. With HTTP/2 that happens at once. An HTTP/1.1 client is looked after when the endpoint takes
// longer than some 300 ms: one that has reset its connection is gone. One that has ended its side may still await the
// reply, which ingress-nginx does not let it (proxy_ignore_client_abort off); here it gets an interim reply with status
// 100 first, which resets the connection if nobody reads any more, and what it asked for in the end if somebody does.
// Once the reply has begun, only a reset is noticed before more of it is written; so it is with HTTP/1.0, which has no
// interim replies.
//
// # How it is made
//
// A request is an exchange between a front (the client's side: clientConn for HTTP/1.1, streamFront for HTTP/2) and
// a connection of package upstream. Each is read in the goroutine that serves the client; only a request body that
// does not come with its header is sent by a goroutine of its own. Headers are parsed in place (package message) and
// the lines that are forwarded unchanged are copied in runs, so that a request over HTTP/1.1 allocates nothing and is
// written once in each direction. Compiled tables (snapshot) are immutable and swapped atomically; connections to
// endpoints and the turns of unchanged upstreams outlive them.
//
//	route       the model of tables            message   strict parsing of headers
//	match       host and path to route         http1     reading of HTTP/1.1 messages
//	urlpath     normalisation of paths         http2     the server's side of HTTP/2, frame by frame
//	balance     turns, canaries, sessions      upstream  connections to endpoints
//	certs       certificates by server name    deadline  deadlines that are seldom set
//	accesslog   one JSON object a line         metrics   Prometheus series
//	proxytest   faults for tests of tests      bench     comparison with nginx and others
//
// # What it does not do
//
// Endpoints that speak HTTP/2 (route.H2C, route.H2) are reached through the standard library's transport, which
// allocates. Interim replies and trailers get through it in both directions, announced or not; but trailers of a
// request with "Content-Length: 0" are lost. An endpoint that does not answer "Expect: 100-continue" within a second is
// taken to have said yes, and the interim replies to one request may not be larger, taken together, than one header.
// One that is spoken to over TLS must agree on HTTP/2 by ALPN. WebSocket over HTTP/2 (RFC 8441) is not offered. No
// endpoint is left out of its turn because it has failed before. Time-outs of reads and writes last up to a quarter
// longer than they are set.
package proxy
