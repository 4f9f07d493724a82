package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ingress-testbed/testbed/internal/freeport"
	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// TestMain fails the package if a goroutine outlives its test.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// refusing is an address without a listener.
func refusing(t testing.TB) route.Endpoint {
	return route.Endpoint{Address: freeport.Reserve(t)}
}

func TestWhatEndpointsDoWrong(t *testing.T) {
	breaks := func(conn net.Conn, in *bufio.Reader) { readHead(in) }
	hangs := func(conn net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) }
	for _, c := range []struct {
		name     string
		method   string
		endpoint route.Endpoint
		want     int
	}{
		{"refuses", "GET", refusing(t), 502},
		{"breaks", "GET", scripted(t, breaks), 502},
		{"hangs", "GET", scripted(t, hangs), 504},
		{"refuses", "POST", refusing(t), 502},
		{"breaks", "POST", scripted(t, breaks), 502},
	} {
		for alternative, want := range map[bool]int{false: c.want, true: 200} {
			t.Run(fmt.Sprintf("%s %s, another endpoint %t", c.method, c.name, alternative), func(t *testing.T) {
				u := upstream("u", c.endpoint)
				var asked atomic.Int32
				if alternative {
					u.Endpoints = append(u.Endpoints, backend(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
				}
				table := toAll(u)
				table.Hosts[0].Routes[0].Policies = []route.Policy{policy.Timeouts{Response: 100 * time.Millisecond}}
				s := serve(t, proxy.Config{}, table)
				request, err := http.NewRequest(c.method, "http://h/", nil)
				if err != nil {
					t.Fatal(err)
				}
				reply, err := s.client(t).Do(request)
				if err != nil {
					t.Fatal(err)
				}
				reply.Body.Close()
				if c.name == "hangs" || c.name == "breaks" && c.method == "POST" {
					want = c.want // it may have been served: it must not be sent twice
				}
				if reply.StatusCode != want || (want == 200) != (asked.Load() == 1) {
					t.Errorf("got %d, want %d; the other endpoint was asked %d times", reply.StatusCode, want, asked.Load())
				}
			})
		}
	}
}

// TestStaleConnections has an endpoint that closes each connection after a reply without saying so.
func TestStaleConnections(t *testing.T) {
	var connections connections
	s := serve(t, proxy.Config{DialContext: connections.DialContext}, toAll(upstream("u", scripted(t, func(conn net.Conn, in *bufio.Reader) {
		if head := readHead(in); strings.HasPrefix(head, "POST") {
			io.ReadFull(in, make([]byte, 2))
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}))))
	c := s.dial(t)
	for i := range 20 {
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusOK {
			t.Fatalf("GET: got %v", reply)
		}
		connections.awaitReadable(t, 2*i) // a POST must notice that the connection has ended
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
		if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusOK {
			t.Fatalf("POST: got %v", reply)
		}
		connections.awaitReadable(t, 2*i+1)
	}
}

// TestTableSwapsUnderLoad swaps tables a thousand times while requests run on kept connections; none may fail, and
// no client's connection may be closed.
func TestTableSwapsUnderLoad(t *testing.T) {
	first, second := upstream("u"), upstream("u")
	for i := range 4 {
		e := backend(t, named(fmt.Sprint(i)))
		if i < 3 {
			first.Endpoints = append(first.Endpoints, e)
		}
		if i > 0 {
			second.Endpoints = append(second.Endpoints, e)
		}
	}
	s := serve(t, proxy.Config{}, toAll(first))
	load := s.load(t)
	for i := range 1000 {
		table := toAll(first)
		if i%2 == 0 {
			table = toAll(second)
		}
		s.Apply(table)
		load.await(1)
	}
	t.Logf("%d requests during 1000 swaps", load.stop())
}

// load is requests over eight connections, one after the other on each, all of which must be answered with 200.
type load struct {
	served  atomic.Int64
	answers chan struct{} // one element for each answer, as long as somebody waits
	ended   chan struct{} // closed at the first failure, and by stop
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

func (s served) load(t *testing.T) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{answers: make(chan struct{}), ended: make(chan struct{}), cancel: cancel}
	var once sync.Once
	for range 8 {
		c := s.dial(t)
		l.group.Go(func() {
			defer once.Do(func() { close(l.ended) }) // or it was stopped
			for ctx.Err() == nil {
				c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
				if reply, body := c.reply("GET"); reply.StatusCode != http.StatusOK {
					t.Errorf("got %v, %q", reply, body)
					return
				}
				l.served.Add(1)
				select {
				case l.answers <- struct{}{}:
				default:
				}
			}
		})
	}
	return l
}

// await waits for answers to requests.
func (l *load) await(answers int) {
	for range answers {
		select {
		case <-l.answers:
		case <-l.ended:
			return
		}
	}
}

// stop waits for the last answer and returns how many there were.
func (l *load) stop() int64 {
	l.cancel()
	l.group.Wait()
	return l.served.Load()
}

// TestEndpointsRestartUnderLoad kills endpoints in turn, with their connections, and starts them again.
func TestEndpointsRestartUnderLoad(t *testing.T) {
	u := upstream("u")
	servers := make([]*http.Server, 3)
	run := func(i int, listener net.Listener) {
		servers[i] = &http.Server{Handler: named("ok")}
		go servers[i].Serve(listener)
	}
	for i := range servers {
		listener := listen(t)
		u.Endpoints = append(u.Endpoints, endpoint(listener.Addr()))
		run(i, listener)
	}
	s := serve(t, proxy.Config{}, toAll(u))
	load := s.load(t)
	for round := range 12 {
		i := round % len(servers)
		servers[i].Close()
		load.await(100)
		listener, err := net.Listen("tcp", u.Endpoints[i].Address.String())
		for retry := 0; err != nil && retry < 100; retry++ { // another connection has got the port meanwhile
			load.await(10)
			listener, err = net.Listen("tcp", u.Endpoints[i].Address.String())
		}
		if err != nil {
			t.Fatal(err)
		}
		run(i, listener)
		load.await(100)
	}
	t.Logf("%d requests during 12 restarts", load.stop())
	for _, server := range servers {
		server.Close()
	}
}

// unknownPolicy is a policy that package policy can't compile.
type unknownPolicy struct{}

func (unknownPolicy) Text() string              { return "unknown" }
func (unknownPolicy) Equal(o route.Policy) bool { return o == route.Policy(unknownPolicy{}) }

func TestApplyReportsWhatIsBadAndServesTheRest(t *testing.T) {
	good := backend(t, named("good"))
	s := serve(t, proxy.Config{}, &route.Table{})
	bad := prefix("/bad-canary", "u")
	bad.Action = route.Forward{
		Backends: []route.Backend{{Upstream: "u", Weight: 1}},
		Canary:   &route.Canary{Backend: route.Backend{Upstream: "u"}, Header: "X", HeaderPattern: "("},
	}
	denied := prefix("/bad-policy", "u")
	denied.Policies = []route.Policy{unknownPolicy{}}
	regex := route.Route{Match: route.Match{Path: route.Path{Kind: route.Regex, Value: "/("}}, Action: route.To("other")}
	nothing := route.Route{Match: route.PrefixPath("/bad-action")}
	problems := s.Apply(&route.Table{
		Hosts: []route.Host{
			host("h", prefix("/", "u"), prefix("/", "other"), prefix("relative", "u"), prefix("/%zz", "u"), bad, denied, regex, nothing),
			host("h", prefix("/", "other")), host("a..b"), host("UPPER", prefix("/", "u")), host("x.*.y"),
		},
		Upstreams:          []route.Upstream{upstream("u", good), upstream("u")},
		Certificates:       []route.Certificate{{Origin: "ns/bad", ChainPEM: []byte("x"), KeyPEM: []byte("y")}},
		DefaultCertificate: &route.Certificate{Origin: "ns/worse"},
	})
	if len(problems) != 14 {
		t.Errorf("got %d problems, want 14:\n%v", len(problems), errors.Join(problems...))
	}
	for _, url := range []string{"http://h/", "http://h/bad-canary", "https://h/"} {
		if code, body, _ := s.get(t, url); code != 200 || body != "good" {
			t.Errorf("%s: got %d %q", url, code, body)
		}
	}
	if code, _, _ := s.get(t, "http://h/bad-policy"); code != 503 {
		t.Errorf("a route with a policy that can't be compiled: got %d", code)
	}
}

// TestUpdateOfOneEndpoint checks that an upstream that stays the same keeps its turn while another changes, and that
// one that leaves is asked no more.
func TestUpdateOfOneEndpoint(t *testing.T) {
	a, b := backend(t, named("a")), backend(t, named("b"))
	table := func(other ...route.Endpoint) *route.Table {
		return &route.Table{
			Hosts:     []route.Host{host("", prefix("/", "stays"), prefix("/other", "changes"))},
			Upstreams: []route.Upstream{upstream("changes", other...), upstream("stays", a, b)},
		}
	}
	s := serve(t, proxy.Config{}, table(a))
	var got string
	for _, next := range [][]route.Endpoint{{b}, {a, b}, nil, {netipEndpoint("127.0.0.1:1")}} {
		_, body, _ := s.get(t, "http://h/")
		got += body
		s.Apply(table(next...))
	}
	if got != "abab" {
		t.Errorf("the turns were %q", got)
	}
	if code, _, _ := s.get(t, "http://h/other"); code != 502 {
		t.Errorf("an endpoint that has left was asked: %d", code)
	}
}

func netipEndpoint(address string) route.Endpoint {
	return route.Endpoint{Address: netip.MustParseAddrPort(address)}
}
