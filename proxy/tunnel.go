package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingress-testbed/testbed/proxy/http1"
	"github.com/ingress-testbed/testbed/proxy/upstream"
)

// tunnel answers 101 and carries bytes both ways until both sides have ended (RFC 9110 section 7.8), or nothing was
// carried for Timeouts.Tunnel. Neither connection can be used for another request.
func (x *exchange) tunnel(endpoint *upstream.Conn) bool {
	defer endpoint.Close()
	defer x.front.onGone(nil)
	client, is := x.front.(*clientConn)
	if !is {
		return x.reply(502, errUnaskedUpgrade.Error())
	}
	if err := client.switchProtocols(endpoint, x.extra); err != nil {
		_ = x.clientGone(err)
		return false
	}
	t := tunnel{idle: x.server.config.Timeouts.Tunnel}
	t.touch()
	var group sync.WaitGroup
	group.Go(func() {
		x.bytesIn = t.carry(endpoint.Conn, client.conn, client.in.Peek())
	})
	x.bytesOut = t.carry(client.conn, endpoint.Conn, endpoint.In.Peek())
	group.Wait()
	return false
}

// tunnel is what the two directions know of each other.
type tunnel struct {
	idle time.Duration
	last atomic.Int64 // time of the last byte of either direction, in nanoseconds since 1970
}

func (t *tunnel) touch() { t.last.Store(time.Now().UnixNano()) }

// carry copies what was read already and then what comes, and passes the end on.
func (t *tunnel) carry(to, from net.Conn, read []byte) (carried int64) {
	buffer := http1.GetLarge()
	defer http1.PutLarge(buffer)
	end := closeWrite
	defer func() { end(to) }()
	for {
		if len(read) > 0 {
			to.SetWriteDeadline(time.Now().Add(t.idle))
			n, err := to.Write(read)
			carried += int64(n)
			if err != nil {
				from.Close() // so that the other direction ends too
				return carried
			}
			t.touch()
		}
		quiet := time.Duration(time.Now().UnixNano() - t.last.Load())
		from.SetReadDeadline(time.Now().Add(max(t.idle-quiet, 0) + time.Millisecond))
		n, err := from.Read(buffer[:])
		read = buffer[:n]
		if n > 0 {
			continue
		}
		quiet = time.Duration(time.Now().UnixNano() - t.last.Load())
		if errors.Is(err, os.ErrDeadlineExceeded) && quiet < t.idle {
			continue // the other direction was busy
		}
		if !errors.Is(err, io.EOF) { // it broke: there is no half to keep
			end = func(to net.Conn) { to.Close() }
			from.Close()
		}
		return carried
	}
}

// closeWrite ends one direction; a connection that can't do that is closed.
func closeWrite(connection net.Conn) {
	if half, can := connection.(interface{ CloseWrite() error }); can {
		if half.CloseWrite() == nil {
			return
		}
	}
	connection.Close()
}
