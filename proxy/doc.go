// Package proxy is the data plane of the test-bed: a reverse proxy for HTTP/1.1 and HTTP/2 that does what a
// route.Table says and knows nothing of where the table comes from.
//
//	server, err := proxy.New(proxy.Config{Logger: logger})
//	problems := server.Apply(table)       // any number of times, also while it serves
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
//	308 the route redirects to HTTPS            413 the body is too large
//	400 the request is not HTTP, or ambiguous   502 the endpoint refuses or breaks the connection
//	404 no route                                503 the upstream is missing or has no endpoint
//	408 the header came too slowly              504 the endpoint is too slow
//
// # What backends are told
//
// X-Request-ID (32 hexadecimal digits; the client's own is kept), X-Real-IP and X-Forwarded-For (the peer; a client's
// own value is kept in X-Original-Forwarded-For), X-Forwarded-Host (the Host field, port included), X-Forwarded-Port,
// X-Forwarded-Proto, X-Forwarded-Scheme and X-Scheme, as from ingress-nginx; nothing else is added. The Host field is
// kept, hop-by-hop fields (RFC 9110 section 7.6.1) are removed.
package proxy
