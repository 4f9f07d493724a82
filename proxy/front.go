package proxy

import (
	"io"

	"github.com/ingress-testbed/testbed/proxy/message"
)

// front is the client's side of an exchange: one request of an HTTP/1.1 connection, or a stream of HTTP/2. Replies
// are gathered and written when they end, when flush is called, or when they get large. After an error of any method
// the client is gone.
type front interface {
	// body is the request's.
	body() requestBody
	// cutBody makes a read of the body that is going on, and all that follow, fail. It may be called while another
	// goroutine reads.
	cutBody()
	// onGone closes what is given when the client goes away, if the front can tell; nil ends that.
	onGone(io.Closer)
	// gone says whether the client is known to have gone away.
	gone() bool
	// informational sends an interim reply (1xx).
	informational(reply *message.Response) error
	header(header replyHeader) error
	data(piece []byte) error
	flush() error
	// end ends the reply; trailers may be nil.
	end(trailers []message.Field) error
	// abort ends the reply so that the client sees that it is not whole.
	abort()
	// fit says whether the connection is fit for another request; it is asked after the reply has ended.
	fit() bool
}

// requestBody is what http1.Body is: see there.
type requestBody interface {
	There() ([]byte, error)
	Next() ([]byte, error)
	Ended() bool
	Trailers() []message.Field
}

// replyHeader is the header of a reply.
type replyHeader struct {
	status int
	// reply is the endpoint's; nil if the proxy answers by itself.
	reply *message.Response
	// extra are field lines to add, each with its CR LF.
	extra []byte
	hsts  bool // extra has Strict-Transport-Security
	// length of the body; -1 if only its end will tell. hasBody is false for HEAD, 204, 304.
	length  int64
	hasBody bool
	// bodyUnread says that the reply comes before the end of the request's body.
	bodyUnread bool
	// close says that the connection must not be used again: after a request that is bad, or whose body did not come,
	// nothing can be trusted to be the next request.
	close bool
}
