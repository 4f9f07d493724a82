package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/quirk"
	"github.com/ingress-testbed/testbed/proxy/route"
)

type text = wrapperspb.StringValue

// newEcho is a service with a unary and a bidirectional method, written without generated code.
func newEcho() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: "test.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: func(_ any, ctx context.Context, decode func(any) error,
			_ grpc.UnaryServerInterceptor) (any, error) {
			in := new(text)
			if err := decode(in); err != nil {
				return nil, err
			}
			grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "set"))
			if in.Value == "fail" {
				return nil, status.Error(codes.FailedPrecondition, "as asked")
			}
			if in.Value == "hang" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return in, nil
		}}},
		Streams: []grpc.StreamDesc{{StreamName: "Stream", ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				for {
					in := new(text)
					switch err := stream.RecvMsg(in); {
					case errors.Is(err, io.EOF):
						return nil
					case err != nil:
						return err
					}
					if err := stream.SendMsg(in); err != nil {
						return err
					}
				}
			}}},
	}
}

func TestGRPC(t *testing.T) {
	server := grpc.NewServer()
	server.RegisterService(newEcho(), struct{}{})
	listener := listen(t)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	s := serve(t, proxy.Config{}, toAll(route.Upstream{
		Name: "u", Protocol: route.H2C, Endpoints: []route.Endpoint{endpoint(listener.Addr())},
	}))
	for name, c := range map[string]struct {
		address     string
		credentials credentials.TransportCredentials
	}{
		"TLS":             {s.secure, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})},
		"prior knowledge": {s.plain, insecure.NewCredentials()},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := grpc.NewClient("passthrough:///"+c.address, grpc.WithTransportCredentials(c.credentials))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			testUnary(ctx, t, client)
			testStream(ctx, t, client)
		})
	}
}

func testUnary(ctx context.Context, t *testing.T, client *grpc.ClientConn) {
	for _, value := range []string{"hello", "", strings.Repeat("large ", 200_000)} {
		var trailer metadata.MD
		out := new(text)
		err := client.Invoke(ctx, "/test.Echo/Unary", wrapperspb.String(value), out, grpc.Trailer(&trailer))
		if err != nil || out.Value != value || fmt.Sprint(trailer["x-trailer"]) != "[set]" {
			t.Errorf("%d bytes: got %d bytes, %v, trailers %v", len(value), len(out.Value), err, trailer)
		}
	}
	err := client.Invoke(ctx, "/test.Echo/Unary", wrapperspb.String("fail"), new(text))
	if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != "as asked" {
		t.Errorf("got the error %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	err = client.Invoke(short, "/test.Echo/Unary", wrapperspb.String("hang"), new(text))
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got the error %v", err)
	}
}

func testStream(ctx context.Context, t *testing.T, client *grpc.ClientConn) {
	stream, err := client.NewStream(ctx, &newEcho().Streams[0], "/test.Echo/Stream")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 { // each message is answered before the next is sent
		sent := wrapperspb.String(fmt.Sprint("message ", i))
		if err := stream.SendMsg(sent); err != nil {
			t.Fatal(err)
		}
		got := new(text)
		if err := stream.RecvMsg(got); err != nil || got.Value != sent.Value {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(new(text)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v at the end", err)
	}
}

// TestHTTP1ToHTTP2 sends requests of HTTP/1.1 clients to an endpoint that speaks HTTP/2 only.
func TestHTTP1ToHTTP2(t *testing.T) {
	var seen http.Header
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Path", r.RequestURI)
		io.Copy(w, r.Body)
		w.Header().Set("X-Sum", "42")
	})}
	listener := listen(t)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	u := route.Upstream{Name: "u", Protocol: route.H2C, Endpoints: []route.Endpoint{refusing(t), endpoint(listener.Addr())}}
	s := serve(t, proxy.Config{}, toAll(u))
	c := s.dial(t)
	for range 4 { // every other one is refused first
		c.send("POST /a%%2Fb?c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
		if reply, _ := c.reply("POST"); reply.StatusCode != http.StatusContinue {
			t.Fatalf("got %v", reply)
		}
		c.send("5\r\nhello\r\n0\r\n\r\n")
		reply, body := c.reply("POST")
		if reply.StatusCode != http.StatusOK || body != "hello" || reply.Trailer.Get("X-Sum") != "42" || reply.Header.Get("X-Path") != "/a%2Fb?c" {
			t.Fatalf("got %v, %q", reply, body)
		}
		if len(seen) != 8 || seen.Get("X-Forwarded-For") != "127.0.0.1" || seen["User-Agent"] != nil {
			t.Errorf("the endpoint saw %v", seen)
		}
	}
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if reply, _ := c.reply("GET"); reply.StatusCode != http.StatusOK {
		t.Errorf("got %v", reply)
	}
}

// TestQuirkPlainErrors makes calls that the proxy itself answers. With the quirk, the client finds the same status in that of HTTP, but
// not what it says.
func TestQuirkPlainErrors(t *testing.T) {
	deny := func(status int, path string) route.Route {
		return route.Route{Match: route.ExactPath(path), Action: route.Deny{Status: status, Reason: "denied"}}
	}
	table := &route.Table{Hosts: []route.Host{host("", deny(403, "/denied"), deny(401, "/unknown"), deny(413, "/large"), prefix("/none", "u"))}}
	table.Upstreams = []route.Upstream{upstream("u")}
	bothWays(t, quirk.PlainErrors, table, func(t *testing.T, s served, with bool) {
		client, err := grpc.NewClient("passthrough:///"+s.plain, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for method, want := range map[string]*status.Status{
			"/denied": status.New(codes.PermissionDenied, "Forbidden"), "/unknown": status.New(codes.Unauthenticated, "Unauthorized"),
			"/large": status.New(codes.Unknown, "Request Entity Too Large"), "/none": status.New(codes.Unavailable, "Service Unavailable"),
			"/other": status.New(codes.Unimplemented, "Not Found"),
		} {
			got := status.Convert(client.Invoke(t.Context(), method, wrapperspb.String("x"), new(text)))
			if got.Code() != want.Code() || (got.Message() == want.Message()) == with {
				t.Errorf("%s: got %v", method, got)
			}
		}
		for contentType, isCall := range map[string]bool{
			"application/grpc": true, "application/grpc+proto": true, "application/grpc;v=1": true, "application/grpc-web": false, "text/plain": false,
		} {
			f := s.frames(t)
			f.headers(1, ":method", "POST", ":scheme", "http", ":authority", "h", ":path", "/other", "content-type", contentType)
			if got, err := f.awaitStatus(1); err != nil || got != pick(isCall && !with, "404", "200") {
				t.Errorf("%s: got %s, %v", contentType, got, err)
			}
			f.Close()
		}
		reply, err := s.client(t).Post("http://h/other", "application/grpc", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusNotFound {
			t.Errorf("HTTP/1.1: got %d", reply.StatusCode)
		}
	})
}
