// Package proxy is the data plane of the test-bed: a reverse proxy for HTTP/1.1 and HTTP/2 that serves a route.Table and
// does not know where the table comes from.
//
//	server, err := proxy.New(proxy.Config{Logger: logger})
//	problems := server.Apply(table)        // any number of times, also while it serves
//	err = server.Serve(ctx, plain, secure) // until ctx is done and running requests have ended
//
// # Which backend answers
//
// A host that is named exactly beats a wildcard (one label), which beats the host "". Within a host an exact path beats
// regular expressions, the longest first, and those beat the longest prefix by path element; of the routes of one path
// the most specific method, headers and query win. Paths are normalised first, by the rules of package urlpath, and what
// was routed on is what is forwarded. A session cookie comes first, then a canary's rules (header, cookie, weight), then
// the weights of the backends. Endpoints take turns exactly, over all connections (balance.RoundRobin).
//
// # What the proxy answers itself
//
//	200 OPTIONS for the server itself, or a health check (route.Table.HealthPath)
//	308 the route redirects to HTTPS             413 the body is too large
//	400 the request is malformed or ambiguous    414 the request target is too long
//	404 no route                                 417 an expectation other than 100-continue
//	405 CONNECT and TRACE                        431 the header is too large
//	408 the header or body came too slowly       501 a transfer coding other than chunked
//	505 a version other than HTTP/1.x and HTTP/2
//	502 the endpoint refuses or breaks the connection, or its reply is malformed
//	503 the upstream has no endpoint, or the route is denied
//	504 the endpoint is too slow
//
// A status that depends on the route is decided in package exchange: in answer.go before an endpoint is selected, in forward.go
// afterwards. It also writes the reply, in reply.go. That a message is malformed is decided by the packages that read it:
// message for headers, http1 for bodies, http2 for frames; and that a body without a length is too large by upstream.
//
// # What endpoints get
//
// X-Request-ID (32 hexadecimal digits; the client's own is kept), X-Real-IP and X-Forwarded-For (the client's address),
// X-Forwarded-Host (the Host field, port included), X-Forwarded-Port, X-Forwarded-Proto, X-Forwarded-Scheme and X-Scheme,
// as from ingress-nginx; the client's own X-Forwarded-For and -Host are kept in X-Original-Forwarded-For and -Host. Who
// may state something about the client, and by which fields, is in route.Forwarded and package forwarded. Fields whose
// names have underscores are dropped unless route.Table.UnderscoresInHeaders is set, and Proxy is dropped always. The
// Host field is kept unless a policy replaces it, hop-by-hop fields (RFC 9110 section 7.6.1) are removed. Via is not
// added, as by nginx.
//
// # How endpoints are connected to
//
// By an upstream's route.Protocol: HTTP/1.1 or HTTP/2, in plain text or over TLS 1.2 or 1.3. Over TLS, as with
// ingress-nginx, certificates are not verified and no server name is sent unless route.TLS says so. If verification was
// requested but cannot be set up, requests fail closed: Apply returns the problem, and the upstream answers 503.
// Connections are kept, and sessions resumed, for each endpoint and each route.TLS.
//
// An HTTP/2 connection carries one request at a time, as with nginx's grpc_pass: the goroutine that serves the client
// reads the endpoint's frames itself, and a stream that is reset or slow has no neighbours.
//
// # A reply belongs to its request
//
// Bytes from an endpoint that are no part of the reply to the running request end the connection and are given to no
// client (RFC 9112 section 6.3), on every transport. They are looked for when a reply has ended and once more right
// before the next request is written: package upstream says how, and what it costs.
//
// # When a request is sent again
//
// If no connection to the endpoint could be made, TLS handshake included, or an HTTP/2 endpoint refused the request
// (REFUSED_STREAM, or GOAWAY with a lower stream), any request whose body was not read yet goes to the next endpoint. If
// the connection broke before the reply's header was whole, a safe request (GET, HEAD, OPTIONS) without a body does;
// others are answered 502, because they may have been served. A slow endpoint (504) is not given up for another. At most
// Limits.Attempts endpoints are tried. A kept connection that turns out to be closed is not an attempt.
//
// An endpoint that leaves the table is not waited for. A request that has no connection to it yet goes to an endpoint of the table
// that is served then, half a second later, and so does one whose turn comes afterwards; without another endpoint, it is answered
// 503. An endpoint that has taken the request already may be shutting down in order, and still answer: it is given up
// only when it answers nothing on the level of TCP for some three seconds. Then safe requests go to another endpoint, and others
// are answered 504.
//
// # When an endpoint is late
//
// The time for a reply begins when the request was sent, and informational replies do not restart it. While a body is still
// coming from the client it does not run; while the endpoint accepts nothing of a body, it does. However little an endpoint
// accepts, as TCP's acknowledgements show, it is not late, neither here nor by Timeouts.Send. An endpoint that leaves
// "Expect: 100-continue" unanswered for a second is taken to agree. Between the pieces of a reply the same limit holds,
// over HTTP/1.1 and HTTP/2.
//
// # When a client disconnects
//
// The request to the endpoint is cancelled, dialling included, and the access log says 499, as with ingress-nginx. That
// happens at once when an HTTP/2 stream is reset, and else within some 300 ms: package downstream says how. Unlike with
// ingress-nginx, a client that has only closed its sending side still gets its reply.
//
// # When it stops
//
// When the context of Serve is done, the listeners are closed, idle connections end immediately, and running requests get
// Timeouts.Drain; then their connections are closed, whatever they do. The controller catches SIGTERM (controller/app,
// stopping.go): it becomes unready and calls Leave, so that clients move to other replicas. It accepts connections for
// --shutdown-grace-period, and up to five seconds longer while they come, and drains for --drain-timeout, all within the
// terminationGracePeriodSeconds of its Pod.
//
// # How it is made
//
//	downstream    clients: connections, HTTP/1.1, HTTP/2, drain     route      the model of tables
//	exchange      one request: route, policies, attempts, reply     match      host and path to route
//	policy        what a route does beside forwarding, a file each  urlpath    normalisation of paths
//	runtime       compiled tables, and what outlives them           balance    turns, weights, canaries
//	upstream      round trips, kept connections, TLS                certs      certificates by server name
//	http1, http2  messages and frames                               accesslog  one JSON object a line
//	message       strict parsing of headers                         metrics    Prometheus series
//	quirk         what is done as by ingress-nginx, if a table says so
//	forwarded     the client's address behind other proxies         deadline   deadlines that are seldom set
//	proxyprotocol the header of the PROXY protocol                  proxytest  faults for tests of tests
//	passthrough   TLS connections that endpoints terminate          stream     ports of TCP and UDP
//	tunnel        upgraded connections                              fastcgi    requests to FastCGI endpoints
//	compress      gzip and Brotli for replies                       basicauth  credentials of Basic authentication
//	trace         what was done with a request, for explanations    mutant     wrong tables for tests of tests
//
// A request is served by one goroutine from end to end; only a request body that does not come with its header is sent
// by a second one. Headers are parsed in place, and lines that are forwarded unchanged are copied in runs, so that a
// request over HTTP/1.1 allocates nothing and is written once in each direction. Compiled tables are immutable and
// swapped atomically.
//
// # What it does not do
//
// WebSocket over HTTP/2 (RFC 8441) is not offered. No endpoint is left out of its turn because it has failed before.
// Time-outs of reads and writes last up to a quarter longer than they are set. A client that sends a body very slowly,
// but never pauses for Timeouts.Body, is not limited, as with nginx. A TLS session may be resumed under another server
// name, and SNI and Host may differ, as with ingress-nginx; neither decides anything while client certificates are not
// asked for.
package proxy
