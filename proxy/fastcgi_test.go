package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"net/netip"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/policy/rewriting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// application starts a FastCGI application, and a proxy in front of it.
func application(t *testing.T, settings rewriting.FastCGI, handle http.HandlerFunc) served {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go fcgi.Serve(listener, handle)
	return serve(t, proxy.Config{}, &route.Table{
		Hosts: []route.Host{{Name: "h", Routes: []route.Route{
			{Match: route.PrefixPath("/"), Policies: []route.Policy{settings}, Action: route.To("app")},
		}}},
		Upstreams: []route.Upstream{{
			Name: "app", Protocol: route.FCGI, Endpoints: []route.Endpoint{{Address: netip.MustParseAddrPort(listener.Addr().String())}},
		}},
	})
}

func TestFastCGI(t *testing.T) {
	settings := rewriting.FastCGI{Index: "index.php", Params: []rewriting.Param{{Name: "SCRIPT_FILENAME", Value: "/srv${fastcgi_script_name}"}}}
	s := application(t, settings, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		env := fcgi.ProcessEnv(r)
		w.Header().Set("X-Script", env["SCRIPT_FILENAME"])
		w.Header().Set("X-Asked", strings.Join([]string{r.Method, r.URL.RequestURI(), r.Proto, r.Host, r.Header.Get("X-Mine"), r.Header.Get("Proxy")}, " "))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%d bytes", len(body))
	})
	for _, scheme := range []string{"http", "https"} { // HTTP/1.1, and HTTP/2
		for size, body := range map[int]string{0: "", 5: "12345", 200_000: strings.Repeat("x", 200_000)} {
			request, err := http.NewRequest(http.MethodPost, scheme+"://h/a%20b/?q=1", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Mine", "yes")
			request.Header.Set("Proxy", "evil")
			response, err := s.client(t).Do(request)
			if err != nil {
				t.Fatalf("%s: %v", scheme, err)
			}
			got, _ := io.ReadAll(response.Body)
			response.Body.Close()
			asked := fmt.Sprintf("POST /a%%20b/?q=1 %s h yes", map[string]string{"http": "HTTP/1.1", "https": "HTTP/2.0"}[scheme])
			if response.StatusCode != http.StatusTeapot || string(got) != fmt.Sprintf("%d bytes", size) || response.Header.Get("X-Asked") != asked ||
				response.Header.Get("X-Script") != "/srv/a b/index.php" {
				t.Errorf("%s, %d bytes: got %d %q, %v", scheme, size, response.StatusCode, got, response.Header)
			}
		}
	}
}

// A body of unknown length can't be announced to an application, unless it is there already.
func TestFastCGIBodyOfUnknownLength(t *testing.T) {
	s := application(t, rewriting.FastCGI{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s", body)
	})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	if reply, body := c.reply("POST"); reply.StatusCode != http.StatusOK || body != "hello" {
		t.Errorf("a short body: got %v, %q", reply.StatusCode, body)
	}
	c = s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusLengthRequired {
		t.Errorf("a body without its end: got %v", reply.StatusCode)
	}
}

// What is no FastCGI is an error of the endpoint.
func TestFastCGIWithoutAnApplication(t *testing.T) {
	for name, answer := range map[string]string{"nothing": "", "HTTP": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"} {
		listener := listen(t)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				io.WriteString(conn, answer)
				conn.Close()
			}
		}()
		s := serve(t, proxy.Config{}, &route.Table{
			Hosts: []route.Host{{Name: "h", Routes: []route.Route{{Match: route.PrefixPath("/"), Action: route.To("app")}}}},
			Upstreams: []route.Upstream{{
				Name: "app", Protocol: route.FCGI, Endpoints: []route.Endpoint{{Address: netip.MustParseAddrPort(listener.Addr().String())}},
			}},
		})
		if code, _, _ := s.get(t, "http://h/"); code != http.StatusBadGateway {
			t.Errorf("%s: got %d", name, code)
		}
		listener.Close()
	}
}
