package proxy_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
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
	"github.com/ingress-testbed/testbed/proxy/route"
)

type text = wrapperspb.StringValue

// grpcEcho is a service with a unary and a bidirectional method, written without generated code.
var grpcEcho = grpc.ServiceDesc{
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
				case err == io.EOF:
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

func TestGRPC(t *testing.T) {
	server := grpc.NewServer()
	server.RegisterService(&grpcEcho, struct{}{})
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
	stream, err := client.NewStream(ctx, &grpcEcho.Streams[0], "/test.Echo/Stream")
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
	if err := stream.RecvMsg(new(text)); err != io.EOF {
		t.Errorf("got %v at the end", err)
	}
}
