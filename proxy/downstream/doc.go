// Package downstream is the client's side of the proxy: it accepts connections, reads requests in HTTP/1.1 and HTTP/2,
// and hands each to a Handler together with a Client, through which the reply is written.
//
// One goroutine serves an HTTP/1.1 connection: it reads a request, runs the handler, and reads the next one. Of an
// HTTP/2 connection (package http2) one goroutine reads the frames, and each running request has one.
//
// # Connections
//
// At most Limits.Connections clients are connected at once. When there are as many, an idle connection is closed for a
// new one, as nginx does with its reusable connections; if none is idle, new ones wait in the listener's queue.
//
// A client may begin with HTTP/2's preface in plain text (prior knowledge, RFC 9113 section 3.3), as its first bytes
// only. In the middle of a connection the preface is a malformed request.
//
// # Clients that disconnect
//
// A handler that waits for an endpoint calls Client.Gone from time to time. For HTTP/2 the answer is known immediately. A
// client of HTTP/1.1 that has reset its connection is gone. One that has closed its sending side may be gone or may
// still wait for the reply (RFC 9112 section 9.6). To distinguish these, the proxy sends an informational reply with status
// 100, which every HTTP/1.1 client must be able to parse (RFC 9110 section 15.2), and which resets the connection if
// no process reads it. HTTP/1.0 has no informational replies, so those clients are served to the end.
//
// # Replies that are incomplete
//
// A client recognises an incomplete reply by a length that is not reached, a missing last chunk, or a reset stream. In HTTP/1.0
// a reply may be terminated only by the end of the connection: an incomplete one is then ended by a reset, and over TLS without
// close_notify. Upgraded connections have no such rule.
//
// # Replies before the end of the request's body
//
// The unread rest of a body of at most 64 KiB is read and discarded, so that the connection can be used again. With any
// other, and after "Expect: 100-continue", the reply says "Connection: close", and the connection is closed once the
// client has read it (RFC 9112 sections 9.3 and 9.6).
package downstream
