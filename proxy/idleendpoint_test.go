package proxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

const (
	idleEvent      = "data: something happened\n\n"
	idleMessage    = "\x00\x00\x00\x00\x05hello" // a gRPC message: not compressed, five bytes
	idleParallel   = 100                         // requests that a client of HTTP/2 makes at once
	idleLargeReply = 60 << 10
)

// idleEndpoint answers what idleClients send, by HTTP/1.1 and HTTP/2 in plain text.
type idleEndpoint struct {
	listener net.Listener
	server   *http.Server

	mu       sync.Mutex
	event    chan struct{}       // closed at the next event
	arriving map[string]*arrival // requests that wait for the others of their client
}

// arrival is a number of requests that are answered together.
type arrival struct {
	count int
	all   chan struct{} // closed when idleParallel have come
}

func startIdleEndpoint() (*idleEndpoint, error) {
	listener, err := listenLoopback()
	if err != nil {
		return nil, err
	}
	e := &idleEndpoint{listener: listener, event: make(chan struct{}), arriving: map[string]*arrival{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	mux.HandleFunc("/large", e.large)
	mux.HandleFunc("/websocket", echoUpgraded)
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) { e.stream(w, r, "text/event-stream", idleEvent) })
	mux.HandleFunc("/grpc", func(w http.ResponseWriter, r *http.Request) { e.stream(w, r, "application/grpc", idleMessage) })
	e.server = &http.Server{Handler: mux, Protocols: new(http.Protocols), MaxHeaderBytes: 64 << 10}
	e.server.Protocols.SetHTTP1(true)
	e.server.Protocols.SetUnencryptedHTTP2(true)
	go e.server.Serve(listener)
	return e, nil
}

func (e *idleEndpoint) close() { e.server.Close() }

// follow follows a command: "address" answers where the endpoint listens, "event" sends one to all clients that wait.
func (e *idleEndpoint) follow(words []string) (string, error) {
	switch words[0] {
	case "address":
		return e.listener.Addr().String(), nil
	case "event":
		e.mu.Lock()
		defer e.mu.Unlock()
		close(e.event)
		e.event = make(chan struct{})
		return "", nil
	}
	return "", fmt.Errorf("unknown command %q", words)
}

// stream sends a message immediately, and again at each event.
func (e *idleEndpoint) stream(w http.ResponseWriter, r *http.Request, kind, message string) {
	w.Header().Set("Content-Type", kind)
	for {
		e.mu.Lock()
		next := e.event // before the client has got the message that it waits for
		e.mu.Unlock()
		if _, err := io.WriteString(w, message); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-next:
		case <-r.Context().Done():
			return
		}
	}
}

// large sends idleLargeReply bytes when idleParallel requests with the same query have come: they are all open at once.
func (e *idleEndpoint) large(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	group := e.arriving[r.URL.RawQuery]
	if group == nil {
		group = &arrival{all: make(chan struct{})}
		e.arriving[r.URL.RawQuery] = group
	}
	if group.count++; group.count == idleParallel {
		close(group.all)
		delete(e.arriving, r.URL.RawQuery)
	}
	e.mu.Unlock()
	select {
	case <-group.all:
		w.Header().Set("Content-Length", fmt.Sprint(idleLargeReply))
		_, _ = w.Write(bytes.Repeat([]byte("x"), idleLargeReply))
	case <-r.Context().Done():
	}
}

// echoUpgraded switches to WebSocket (without its frames, which the proxy does not read) and sends back what it gets.
func echoUpgraded(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	if _, err := io.WriteString(conn, switched); err != nil {
		return
	}
	if _, err := io.Copy(conn, buffered.Reader); err != nil && !errors.Is(err, net.ErrClosed) {
		return
	}
}
