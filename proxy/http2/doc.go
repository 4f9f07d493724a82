// Package http2 is the server's side of HTTP/2 (RFC 9113) at the level of frames.
//
// One goroutine reads the frames of a connection. Each request is served by a worker, a goroutine that is reused. The
// frames they all write are collected in one buffer, which is written to the network by the first that finds no other
// writing. Frames are parsed with golang.org/x/net/http2's Framer and header blocks with its hpack.Decoder; replies are
// encoded here, without HPACK's dynamic table, so that workers don't depend on the order in which they write.
//
// # Closed streams
//
// Frames for a stream that was refused or reset by the server are discarded without an answer (RFC 9113 section 5.1):
// the client may have sent them before it received the reset. Header blocks are still decoded, and DATA is given back to the window of
// the connection. The same holds for streams above the last stream of a GOAWAY that was sent (section 6.8). Only a client
// that uses a stream after it has ended or reset it itself gets STREAM_CLOSED.
//
// # Abuse
//
// Nothing is counted over the lifetime of a connection; every limit is a rate with a burst. Exceeding one ends the
// connection with ENHANCE_YOUR_CALM.
//
//   - Resets: a stream that the client resets within its first second and before the final reply (CVE-2023-44487), an
//     error of the client that makes the server reset a stream (CVE-2025-8671) and a stream above Options.Streams. The
//     burst is 2 × Options.Streams, the rate an eighth of that a second. Each request that ends well makes up for one.
//     Watches, event streams and long polls that are cancelled later are not counted. A request that was reset occupies
//     one of Options.Streams until its worker has ended.
//   - Frames without a request or content: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, RST_STREAM and DATA without content
//     (CVE-2019-9512, -9515, -9518), unknown types, and everything that is discarded. They have weights, see frameCost;
//     32768 units are accepted at once and 4096 a second: 4096 PINGs and 512 a second, for instance. DATA frames sent to
//     the client and new requests make up for what they cause, so that a client may answer each DATA frame with two
//     WINDOW_UPDATEs at any speed.
//   - A header block of more than 16 CONTINUATION frames or 4 × Options.Reading.Bytes before decompression.
//
// A request header above Options.Reading.Bytes after decompression is answered 431, whether it has many fields or one that
// is large; the connection continues.
//
// # Time
//
// A connection without a request is closed Options.Idle after the last frame. PINGs, which gRPC clients send to keep a
// connection, extend that, but not beyond ten times Options.Idle without a request. Whatever time limit closes a
// connection, GOAWAY is sent first, so that the client knows which of its requests were not processed.
//
// A client that leaves the flow-control windows closed is given Options.Body in total for every 16 KiB it accepts of a
// reply. Opening the window by a few bytes now and then does not extend it (CVE-2019-9511).
//
// # Closing
//
// Drain sends GOAWAY with the last stream 2^31-1 and a PING. New streams are still served until the PING is acknowledged
// or a second has passed; then a GOAWAY with the last stream that was accepted follows, and the connection is closed when
// the last request has ended (RFC 9113 section 6.8). Leave does the same, but leaves a connection that has had no request open
// for one.
//
// A client that closes its side of the TCP connection after complete requests gets their replies, as over HTTP/1.1, as
// far as the windows allow. Requests whose bodies are incomplete are cancelled. Because a client that is gone looks the
// same at first, PINGs are sent until writing fails or the requests have ended.
//
// # Messages
//
// Content-Length is never added. It is removed from replies that must not have it: 1xx and 204 (RFC 9110 section 8.6). A
// reply to HEAD and one with status 204 or 304 ends with its header, whatever the caller passes as its content. 101 does
// not exist (RFC 9113 section 8.6), and an informational reply never ends a stream. A client that reduces
// SETTINGS_HEADER_TABLE_SIZE gets a dynamic table size update before the next header block (section 4.3.1).
//
// # Memory
//
// Request bodies are buffered in pieces of at most 64 KiB, in total not much more than the window of the connection
// (1 MiB). Workers, free streams and write buffers above what the last second needed are released; an idle connection
// keeps one goroutine and its read buffer.
package http2
