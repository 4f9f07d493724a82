// Package message reads the headers of HTTP/1.1 messages (RFC 9112) and decides which of their fields are forwarded. A
// message that was received over HTTP/2 is kept in the same form, so that the rest of the proxy handles one kind only.
//
// Everything here points into the buffer that the message was read to, and is valid as long as that is. Where a field
// is corrected, that is done in the buffer, at the same length.
//
// Requests are read strictly: what two recipients could understand in different ways is refused. Replies are read
// leniently where RFC 9110 or RFC 9112 let a proxy correct them, because endpoints are chosen by the operator. The
// decisions, where the RFCs leave one or are commonly not followed:
//
// Requests may be read with quirks (package quirk), by which ingress-nginx differs from what follows. None of them concerns the
// ends of lines, of headers or of bodies.
//
// # Lines (RFC 9112 sections 2.2 and 5)
//
//   - Lines end in CR LF; a bare CR, a bare LF, NUL and other control characters are refused, and so are folded lines
//     (section 5.2), also in replies, where the section allows 502.
//   - White space between a name and its colon is refused in requests, and moved behind the colon in replies (section
//     5.1).
//
// # Request target and host (RFC 9112 section 3)
//
//   - TRACE and CONNECT are answered 405 with AllowLine; methods that the proxy does not know are forwarded.
//   - The authority of an absolute target beats the Host field, but both must be valid, and HTTP/1.1 needs exactly one
//     Host field (section 3.2). Brackets hold an IPv6 address without a zone. Percent-encoding and user information are
//     refused.
//   - An absolute target with the scheme https is served on a connection in plain text, too, as nginx does: TLS may have
//     ended at a proxy in front. RFC 9110 section 7.4 would allow to refuse it. The scheme that endpoints are sent is that
//     of the connection or of a trusted proxy, never that of the target.
//   - An empty Host, and none in HTTP/1.0, are valid and leave Host empty.
//   - Of OPTIONS, Max-Forwards 0 is to be answered by the proxy, and any other number forwarded one less (RFC 9110
//     section 7.6.2); with all other methods it is ignored, as the section allows.
//
// # Length of the body (RFC 9112 sections 6 and 7, RFC 9110 section 8.6)
//
//   - Content-Length together with Transfer-Encoding is refused, in replies too. Transfer-Encoding is a single line, and
//     not accepted in HTTP/1.0. Empty elements of its list are ignored; chunked must be the last coding and there once,
//     else 400; any other coding is answered 501.
//   - Content-Length has at most 18 digits, apart from leading zeros, which are replaced by spaces: an endpoint might
//     take them for an octal number. Repeated, it is refused in requests, and becomes one in replies if all numbers are
//     the same.
//   - Content-Length is not forwarded in replies with status 1xx (101 included) and 204. With 304, and in reply to HEAD,
//     it is forwarded as the endpoint has sent it. Transfer-Encoding is never forwarded: who sends a body frames it.
//
// # Connection (RFC 9110 sections 7.6.1, 7.8 and 10.1.1)
//
//   - Hop-by-hop fields are not forwarded, nor those that Connection nominates; but it can't nominate those that the
//     message would mean something else without, such as Content-Length or Cookie.
//   - Upgrade may offer any protocol but those that carry further requests past the routes: HTTP of any version, h2c and
//     TLS (RFC 2817). With one of these in its list, the whole offer is ignored. In HTTP/1.0 it is always ignored.
//   - A reply with status 426 keeps Upgrade, over HTTP/1.1 (section 15.5.22).
//   - Expect is a list of which only 100-continue is known; with any other element the request is answered 417. In
//     HTTP/1.0 the field is ignored and not forwarded.
//   - The proxy adds no Via, though section 7.6.3 has gateways add it to requests: nginx doesn't either, and there are
//     servers that answer differently (no compression, for one) if it is there.
//
// # Names (RFC 9110 sections 5.1 and 17.10)
//
//   - Fields of requests whose names hold an underscore (Underscored), or another character than letters, digits and
//     hyphens (Unusual), are neither forwarded nor found unless a caller allows it: CGI and its descendants can't tell
//     X_Forwarded_For from X-Forwarded-For. ingress-nginx drops both by default, too. In replies they are forwarded.
//   - Proxy is never forwarded to endpoints ("httpoxy").
//   - Fields by which proxies speak for clients, and which this proxy does not replace (Forwarded, X-Forwarded-Prefix,
//     True-Client-IP, X-Original-URL and the like), are forwarded unless Request.RemoveForwarding is called.
//
// # Trailers (RFC 9110 section 6.5)
//
//   - Trailers are kept apart from the header, and forwarded if Field.AllowedInTrailers says so. Underscored and unusual
//     names are not allowed in requests; in replies they are, because gRPC metadata may have them.
//
// # Replies (RFC 9112 section 4, RFC 9110 section 15)
//
//   - The space after the status code may be missing. Codes from 600 to 999 are forwarded, as by nginx; clients take them
//     for 5xx.
package message
