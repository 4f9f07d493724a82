//go:build linux

package probe

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
)

// checkGRPC asks the server for its health (gRPC health checking protocol). Anything but SERVING is a failure.
func checkGRPC(ctx context.Context, action *corev1.GRPCAction, t Target) error {
	address := net.JoinHostPort(t.Host, strconv.Itoa(int(action.Port)))
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUserAgent("kube-probe/1"))
	if err != nil {
		return fmt.Errorf("gRPC probe: %w", err)
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	service := ""
	if action.Service != nil {
		service = *action.Service
	}
	reply, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	switch {
	case status.Code(err) == codes.Unimplemented:
		return fmt.Errorf("server %s does not implement the grpc health protocol", address)
	case err != nil:
		return fmt.Errorf("health rpc to %s failed: %w", address, err)
	case reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING:
		return fmt.Errorf("service unhealthy (responded with %q)", reply.GetStatus())
	}
	return nil
}
