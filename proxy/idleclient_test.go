package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// idleKind is a kind of connection that becomes idle.
type idleKind struct {
	name   string
	secure bool          // over TLS
	joined bool          // a connection to an endpoint stays with it
	rest   time.Duration // how long it is idle before it is measured: the proxy keeps for a while what was just needed
	// heap, total (with stacks) and goroutines are the most that a connection may hold; 0 for no limit. In KiB.
	heap, total, goroutines float64
	// open does what is done before the connection is idle. again, which is called after an event, uses it once more.
	open, again func(*idleClient) error
}

func idleKinds() []idleKind {
	const http2Rest = 5 * time.Second // workers and buffers are kept for two seconds, connections to endpoints as below
	plain := func(c *idleClient) error { return c.get("") }
	return []idleKind{
		{name: "http1", heap: 12, open: plain, again: plain},
		{name: "http1-large-header", heap: 12, again: plain, open: func(c *idleClient) error {
			return c.get("X-Large: " + strings.Repeat("x", 30<<10) + "\r\n")
		}},
		{name: "tls", secure: true, open: plain, again: plain},
		{name: "websocket", joined: true, heap: 24, open: (*idleClient).upgrade, again: (*idleClient).echo},
		{name: "events", joined: true, heap: 24, open: (*idleClient).subscribe, again: (*idleClient).nextEvent},
		{
			name: "http2", rest: http2Rest, total: 64, goroutines: 3,
			open: (*idleClient).download, again: (*idleClient).getByHTTP2,
		},
		{name: "http2-tls", secure: true, rest: http2Rest, open: (*idleClient).download, again: (*idleClient).getByHTTP2},
		{name: "grpc-stream", joined: true, open: (*idleClient).callStream, again: (*idleClient).nextMessage},
	}
}

// idleClient is one connection to the proxy.
type idleClient struct {
	conn   net.Conn
	id     string // no other connection has it
	in     *bufio.Reader
	events io.Reader // body of a reply that doesn't end
	http2  *http2Client
}

// idleClients are the connections that are open. All fail together: the first fault ends a command.
type idleClients struct {
	kind   idleKind
	opened int
	all    []*idleClient
}

// follow follows a command: "open KIND ADDRESS COUNT" opens connections, "again" uses each of them, "close" closes all.
func (c *idleClients) follow(words []string) (string, error) {
	switch {
	case words[0] == "open" && len(words) == 4:
		count, err := strconv.Atoi(words[3])
		if err != nil {
			return "", err
		}
		return "", c.open(words[1], words[2], count)
	case words[0] == "again":
		var group errgroup.Group
		group.SetLimit(idleAtOnce)
		for _, client := range c.all {
			group.Go(func() error { return c.kind.again(client) })
		}
		return "", group.Wait()
	case words[0] == "close":
		c.close()
		return "", nil
	}
	return "", fmt.Errorf("unknown command %q", words)
}

// idleAtOnce is how many clients are opened at once. Few, because with them grows the number of connections to endpoints
// that the proxy keeps, and that would count as the clients' own.
const idleAtOnce = 2

func (c *idleClients) open(name, address string, count int) error {
	for _, kind := range idleKinds() {
		if kind.name == name {
			c.kind = kind
		}
	}
	if c.kind.name != name {
		return fmt.Errorf("unknown kind %q", name)
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(idleAtOnce)
	for range count {
		c.opened++
		id := strconv.Itoa(c.opened)
		group.Go(func() error {
			client, err := openIdle(ctx, c.kind, address, id)
			if err != nil {
				return fmt.Errorf("connection %s: %w", id, err)
			}
			mu.Lock()
			defer mu.Unlock()
			c.all = append(c.all, client)
			return nil
		})
	}
	return group.Wait()
}

func (c *idleClients) close() {
	for _, client := range c.all {
		client.close()
	}
	c.all = nil
}

func openIdle(ctx context.Context, kind idleKind, address, id string) (*idleClient, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if kind.secure {
		protocol := "http/1.1"
		if strings.HasPrefix(kind.name, "http2") {
			protocol = "h2"
		}
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
	}
	client := &idleClient{conn: conn, id: id, in: bufio.NewReader(conn)}
	if err := kind.open(client); err != nil {
		client.close()
		return nil, err
	}
	return client, nil
}

func (c *idleClient) close() {
	c.conn.Close()
	if c.http2 != nil {
		c.http2.reading.Wait()
	}
}

// send sends a request and reads the header of its reply.
func (c *idleClient) send(path, lines string, status int) (*http.Response, error) {
	if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: gyull.com\r\n%s\r\n", path, lines); err != nil {
		return nil, err
	}
	reply, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != status {
		return nil, fmt.Errorf("%s: got %s, want %d", path, reply.Status, status)
	}
	return reply, nil
}

// get sends a request and reads the whole reply.
func (c *idleClient) get(lines string) error {
	reply, err := c.send("/", lines, http.StatusOK)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	return expectText(reply.Body, "hello")
}

// upgrade switches to WebSocket and sends something in both directions.
func (c *idleClient) upgrade() error {
	reply, err := c.send("/websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", http.StatusSwitchingProtocols)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	return c.echo()
}

func (c *idleClient) echo() error {
	const frame = "\x81\x85\x00\x00\x00\x00hello" // text, masked with zeros
	if _, err := io.WriteString(c.conn, frame); err != nil {
		return err
	}
	return expectText(c.in, frame)
}

// subscribe begins an event stream and reads its first event.
func (c *idleClient) subscribe() error {
	reply, err := c.send("/events", "", http.StatusOK)
	if err != nil {
		return err
	}
	c.events = reply.Body
	return c.nextEvent()
}

func (c *idleClient) nextEvent() error { return expectText(c.events, idleEvent) }

// expectText reads as many bytes as are wanted, and fails if they are others.
func expectText(r io.Reader, want string) error {
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("got %q: %w", got[:n], err)
	}
	if !bytes.Equal(got, []byte(want)) {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}
