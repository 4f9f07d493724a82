package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/internal/freeport"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/proxy/stream"
)

// loopback opens ports on the loopback interface, each at any free number, and remembers them.
type loopback struct {
	mu     sync.Mutex
	opened map[string]net.Addr // by network and the address that was asked for
	refuse map[string]bool
}

func (l *loopback) keep(network, address string, opened net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened[network+address] = opened
}

func (l *loopback) refused(address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse[address] {
		return errors.New("address already in use")
	}
	return nil
}

func (l *loopback) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	if err := l.refused(address); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, network, "127.0.0.1:0")
	if err == nil {
		l.keep(network, address, listener.Addr())
	}
	return listener, err
}

func (l *loopback) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, network, "127.0.0.1:0")
	if err == nil {
		l.keep(network, address, conn.LocalAddr())
	}
	return conn, err
}

func (l *loopback) at(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if address := l.opened[key]; address != nil {
		return address.String()
	}
	return ""
}

// running is a server that serves until the test ends.
type running struct {
	*stream.Server
	ports *loopback
	stop  func()
}

func serve(t *testing.T, options stream.Options, streams ...route.Stream) running {
	t.Helper()
	ports := &loopback{opened: map[string]net.Addr{}, refuse: map[string]bool{}}
	options.Ports = ports
	s := stream.NewServer(options)
	if problems := s.Apply(streams); len(problems) > 0 {
		t.Fatal(problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait := s.Start(ctx)
	ended := make(chan struct{})
	go func() {
		wait()
		close(ended)
	}()
	stop := func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	for _, one := range streams {
		if ports.at(key(one)) == "" && !ports.refuse[key(one)] {
			t.Errorf("%s is not open", key(one))
		}
	}
	return running{s, ports, stop}
}

func key(s route.Stream) string { return s.Transport.String() + ":" + text(s.Port) }

func text(port uint16) string {
	_, number, _ := net.SplitHostPort(netip.AddrPortFrom(netip.IPv4Unspecified(), port).String())
	return number
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after ten seconds: %s", what)
		}
	}
}

// endpoint answers each line with its name and the line, after the lines that it has not been asked for yet.
func endpoint(t *testing.T, name string) route.Endpoint {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					io.WriteString(conn, name+" "+lines.Text()+"\n")
				}
				io.WriteString(conn, "end\n")
			}()
		}
	}()
	return endpointAt(listener.Addr())
}

func endpointAt(address net.Addr) route.Endpoint {
	return route.Endpoint{Address: netip.MustParseAddrPort(address.String())}
}

// dead is an endpoint that refuses connections.
func dead(t *testing.T) route.Endpoint {
	t.Helper()
	return route.Endpoint{Address: freeport.Reserve(t)}
}

type client struct {
	*testing.T
	net.Conn
	in *bufio.Reader
}

func (r running) dial(t *testing.T, s route.Stream) client {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), s.Transport.String(), r.ports.at(key(s)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return client{t, conn, bufio.NewReader(conn)}
}

func (c client) say(text string) { io.WriteString(c.Conn, text) }

func (c client) hear(want string) {
	c.Helper()
	got, err := c.in.ReadString('\n')
	if err != nil || got != want {
		c.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

func (c client) isClosed() {
	c.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		c.Errorf("the connection is open: %v", err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestConnectionsAreSpreadAndCarried(t *testing.T) {
	to := route.Stream{Port: 9000, Endpoints: []route.Endpoint{endpoint(t, "a"), endpoint(t, "b")}}
	r := serve(t, stream.Options{}, to)
	for _, name := range []string{"a", "b", "a"} {
		c := r.dial(t, to)
		for range 3 {
			c.say("hello\n")
			c.hear(name + " hello\n")
		}
		c.Conn.(*net.TCPConn).CloseWrite() // the half that is left still carries
		c.hear("end\n")
		c.isClosed()
	}
}

func TestAnotherEndpointIsTried(t *testing.T) {
	const port = 9001
	alive, gone := endpoint(t, "alive"), dead(t)
	for name, c := range map[string]struct {
		to     route.Stream
		served bool
	}{
		"the default":      {route.Stream{Port: port, Endpoints: []route.Endpoint{gone, alive}}, true},
		"one attempt":      {route.Stream{Port: port, Endpoints: []route.Endpoint{gone, alive}, Limits: route.StreamLimits{Attempts: 1}}, false},
		"two of three":     {route.Stream{Port: port, Endpoints: []route.Endpoint{gone, gone, alive}, Limits: route.StreamLimits{Attempts: 2}}, false},
		"no time":          {route.Stream{Port: port, Endpoints: []route.Endpoint{gone, alive}, Limits: route.StreamLimits{Trying: 1}}, false},
		"all are dead":     {route.Stream{Port: port, Endpoints: []route.Endpoint{gone, gone}}, false},
		"no endpoint":      {route.Stream{Port: port}, false},
		"no endpoint, UDP": {route.Stream{Port: port, Transport: route.UDP}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, stream.Options{}, c.to).dial(t, c.to)
			conn.say("x\n")
			switch {
			case c.served:
				conn.hear("alive x\n")
			case c.to.Transport == route.TCP:
				conn.isClosed()
			}
		})
	}
}

func TestProxyProtocol(t *testing.T) {
	heads := make(chan string, 4)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			head, _ := io.ReadAll(conn)
			heads <- string(head)
			conn.Close()
		}
	}()
	send := route.Stream{Port: 1, Endpoints: []route.Endpoint{endpointAt(listener.Addr())}, SendProxy: true}
	both, accept := send, send
	both.Port, both.AcceptProxy = 2, true
	accept.Port, accept.AcceptProxy, accept.SendProxy = 3, true, false
	r := serve(t, stream.Options{ProxyHeader: 200 * time.Millisecond}, send, both, accept)

	exchange := func(to route.Stream, sent string) (source string) {
		c := r.dial(t, to)
		c.say(sent)
		c.Conn.(*net.TCPConn).CloseWrite()
		c.isClosed()
		return c.LocalAddr().String()
	}
	const header = "PROXY TCP4 192.0.2.7 198.51.100.1 7000 443\r\n"
	host, port, _ := net.SplitHostPort(exchange(send, "data"))
	if got := <-heads; !strings.HasPrefix(got, "PROXY TCP4 "+host+" 127.0.0.1 "+port+" ") || !strings.HasSuffix(got, "\r\ndata") {
		t.Errorf("got %q", got)
	}
	exchange(both, header+"data")
	if got := <-heads; got != header+"data" {
		t.Errorf("got %q", got)
	}
	exchange(accept, header+"data")
	if got := <-heads; got != "data" {
		t.Errorf("got %q", got)
	}
	exchange(accept, "data without a header")
	c := r.dial(t, accept) // says nothing, and is closed in time
	c.isClosed()
	select {
	case got := <-heads:
		t.Errorf("without a header: got %q", got)
	default:
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	to := route.Stream{Port: 1, Endpoints: []route.Endpoint{endpoint(t, "a")}, Limits: route.StreamLimits{Idle: 200 * time.Millisecond}}
	c := serve(t, stream.Options{}, to).dial(t, to)
	started := time.Now()
	c.isClosed()
	if took := time.Since(started); took < 150*time.Millisecond {
		t.Errorf("closed after %s", took)
	}
}

// TestChanges applies other tables: a connection keeps its endpoint, a port that is not in the table any more is closed.
func TestChanges(t *testing.T) {
	to := route.Stream{Port: 1, Endpoints: []route.Endpoint{endpoint(t, "a")}}
	r := serve(t, stream.Options{}, to)
	first := r.dial(t, to)
	first.say("1\n")
	first.hear("a 1\n")
	to.Endpoints = []route.Endpoint{endpoint(t, "b")}
	more := route.Stream{Port: 2, Endpoints: to.Endpoints}
	if problems := r.Apply([]route.Stream{to, more}); len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, s := range []route.Stream{to, more} {
		c := r.dial(t, s)
		c.say("2\n")
		c.hear("b 2\n")
	}
	r.Apply([]route.Stream{more})
	if conn, err := net.Dial("tcp", r.ports.at(key(to))); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
	first.say("3\n")
	first.hear("a 3\n")
}

// TestPortsThatCanNotBeOpened are reported, and tried again with the next change.
func TestPortsThatCanNotBeOpened(t *testing.T) {
	r := serve(t, stream.Options{})
	r.ports.refuse[":7"] = true
	to := route.Stream{Port: 7, Endpoints: []route.Endpoint{endpoint(t, "a")}, Service: route.ServiceRef{Namespace: "n", Name: "s", Port: "1"}}
	eventually(t, "the port is refused", func() bool {
		problems := r.Apply([]route.Stream{to})
		return len(problems) == 1 && strings.Contains(problems[0].Error(), "opening tcp port 7 for Service n/s:1: address already in use")
	})
	r.ports.mu.Lock()
	r.ports.refuse[":7"] = false
	r.ports.mu.Unlock()
	if problems := r.Apply([]route.Stream{to}); len(problems) > 0 {
		t.Fatal(problems)
	}
	c := r.dial(t, to)
	c.say("x\n")
	c.hear("a x\n")
}

func TestConnectionsAreLimited(t *testing.T) {
	to := route.Stream{Port: 1, Endpoints: []route.Endpoint{endpoint(t, "a")}}
	r := serve(t, stream.Options{Connections: 1}, to)
	first, second := r.dial(t, to), r.dial(t, to)
	first.say("1\n")
	first.hear("a 1\n")
	second.say("2\n")
	second.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := second.Read(make([]byte, 1)); !isTimeout(err) {
		t.Errorf("the second connection is served beside the first: %v", err)
	}
	first.Close()
	second.SetReadDeadline(time.Now().Add(10 * time.Second))
	second.hear("a 2\n")
}

// TestDrain lets connections end, and closes those that don't in time.
func TestDrain(t *testing.T) {
	to := route.Stream{Port: 1, Endpoints: []route.Endpoint{endpoint(t, "a")}}
	r := serve(t, stream.Options{Drain: 500 * time.Millisecond}, to)
	ends, stays := r.dial(t, to), r.dial(t, to)
	for _, c := range []client{ends, stays} {
		c.say("1\n")
		c.hear("a 1\n")
	}
	stopped := make(chan time.Duration, 1)
	started := time.Now()
	go func() {
		r.stop()
		stopped <- time.Since(started)
	}()
	eventually(t, "the port is closed", func() bool {
		conn, err := net.Dial("tcp", r.ports.at(key(to)))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	ends.say("2\n")
	ends.hear("a 2\n")
	ends.Close()
	stays.isClosed()
	if took := <-stopped; took < 400*time.Millisecond || took > 5*time.Second {
		t.Errorf("draining took %s", took)
	}
}

// answering is an endpoint of UDP that answers each datagram with its name and the datagram, as often as it says.
func answering(t *testing.T, name string) (route.Endpoint, *sources) {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	seen := &sources{seen: map[string]bool{}}
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			seen.add(from.String())
			for range bytes.Count(buffer[:n], []byte("!")) + 1 {
				conn.WriteTo([]byte(name+" "+string(buffer[:n])), from)
			}
		}
	}()
	return endpointAt(conn.LocalAddr()), seen
}

// sources are where datagrams have come from.
type sources struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (s *sources) add(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[source] = true
}

func (s *sources) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func (c client) receive(want string) {
	c.Helper()
	buffer := make([]byte, 64<<10)
	n, err := c.Read(buffer)
	if got := string(buffer[:n]); err != nil || got != want {
		c.Errorf("received %.100q, %v, want %.100q", got, err, want)
	}
}

func TestDatagrams(t *testing.T) {
	a, seenA := answering(t, "a")
	b, _ := answering(t, "b")
	to := route.Stream{Transport: route.UDP, Port: 53, Endpoints: []route.Endpoint{a, b}}
	r := serve(t, stream.Options{}, to)
	first, second := r.dial(t, to), r.dial(t, to)
	large := strings.Repeat("x", 60000)
	for _, text := range []string{"1", "2", large} {
		first.say(text)
		first.receive("a " + text)
		second.say(text)
		second.receive("b " + text)
	}
	if got := seenA.count(); got != 1 {
		t.Errorf("a client's datagrams came from %d ports", got)
	}
	// Sessions whose endpoint is gone end, the others don't.
	to.Endpoints = []route.Endpoint{b}
	r.Apply([]route.Stream{to})
	first.say("3")
	first.receive("b 3")
	second.say("3")
	second.receive("b 3")
}

func TestSessionsEndWithTheirAnswers(t *testing.T) {
	a, seen := answering(t, "a")
	to := route.Stream{Transport: route.UDP, Port: 53, Endpoints: []route.Endpoint{a}, Limits: route.StreamLimits{Responses: 2}}
	r := serve(t, stream.Options{Drain: 10 * time.Millisecond}, to)
	c := r.dial(t, to)
	for sessions := 1; sessions <= 3; sessions++ {
		eventually(t, "the next datagram begins a session", func() bool {
			c.say("two!")
			c.receive("a two!")
			c.receive("a two!")
			return seen.count() >= sessions
		})
	}
	c = r.dial(t, to)
	before := seen.count()
	for range 3 { // an answer is still expected
		c.say("one")
		c.receive("a one")
	}
	if got := seen.count() - before; got != 1 {
		t.Errorf("got %d sessions, though answers are missing", got)
	}
}

func TestSessionsAreLimited(t *testing.T) {
	a, seen := answering(t, "a")
	to := route.Stream{Transport: route.UDP, Port: 53, Endpoints: []route.Endpoint{a}}
	r := serve(t, stream.Options{Sessions: 2}, to)
	clients := []client{r.dial(t, to), r.dial(t, to), r.dial(t, to)}
	for _, c := range clients {
		c.say("1")
		c.receive("a 1")
		time.Sleep(5 * time.Millisecond) // one is idle for longest
	}
	for _, c := range []client{clients[2], clients[1]} {
		c.say("2")
		c.receive("a 2")
	}
	if got := seen.count(); got != 3 {
		t.Errorf("the youngest sessions have ended: %d sessions", got)
	}
	clients[0].say("2")
	clients[0].receive("a 2")
	if got := seen.count(); got != 4 {
		t.Errorf("the oldest session has not ended: %d sessions", got)
	}
}

func TestSessionsEndWhenIdle(t *testing.T) {
	a, seen := answering(t, "a")
	idle := 50 * time.Millisecond
	to := route.Stream{Transport: route.UDP, Port: 53, Endpoints: []route.Endpoint{a}, Limits: route.StreamLimits{Idle: idle}}
	c := serve(t, stream.Options{}, to).dial(t, to)
	eventually(t, "an idle session has ended", func() bool {
		c.say("1")
		c.receive("a 1")
		time.Sleep(2 * idle)
		return seen.count() >= 2
	})
}

// TestDrainOfDatagrams waits for the answers of datagrams that were forwarded.
func TestDrainOfDatagrams(t *testing.T) {
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	to := route.Stream{
		Transport: route.UDP, Port: 53, Endpoints: []route.Endpoint{endpointAt(conn.LocalAddr())}, Limits: route.StreamLimits{Responses: 1},
	}
	r := serve(t, stream.Options{Logger: slog.New(slog.DiscardHandler)}, to)
	c := r.dial(t, to)
	c.say("question")
	buffer := make([]byte, 100)
	_, from, err := conn.ReadFrom(buffer)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		r.stop()
		close(stopped)
	}()
	other := r.dial(t, to)
	eventually(t, "no new sessions", func() bool {
		other.say("late")
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, late, err := conn.ReadFrom(buffer)
		return err != nil && late == nil
	})
	conn.WriteTo([]byte("answer"), from)
	c.receive("answer")
	select {
	case <-stopped:
	case <-time.After(10 * time.Second):
		t.Error("the server does not stop after the last answer")
	}
}
