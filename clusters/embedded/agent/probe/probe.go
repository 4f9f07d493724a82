//go:build linux

// Package probe makes the probes of containers. It runs in the node's network namespace, so that what is probed sees the
// node's own address, as with the kubelet.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Target is a running container as a probe sees it.
type Target struct {
	Container *corev1.Container
	// Host is the address of the Pod.
	Host string
	// Warn is called with what a probe that succeeds warns of; nil ignores it.
	Warn func(warning string)
	// Exec runs a command in the container and returns its exit code and what it wrote.
	Exec func(ctx context.Context, command []string) (code int, output string, err error)
}

// Once probes once. The error of a probe that failed has the kubelet's text where the kubelet has one.
func Once(ctx context.Context, p *corev1.Probe, t Target) error {
	timeout := time.Duration(p.TimeoutSeconds) * time.Second
	if timeout <= 0 {
		timeout = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch {
	case p.Exec != nil:
		return runExec(ctx, p.Exec, t, timeout)
	case p.HTTPGet != nil:
		return getHTTP(ctx, p.HTTPGet, t)
	case p.TCPSocket != nil:
		return dialTCP(ctx, p.TCPSocket, t)
	case p.GRPC != nil:
		return checkGRPC(ctx, p.GRPC, t)
	}
	return errors.New("probe has no kind")
}

func runExec(ctx context.Context, action *corev1.ExecAction, t Target, timeout time.Duration) error {
	code, output, err := t.Exec(ctx, action.Command)
	if ctx.Err() != nil {
		return fmt.Errorf("command timed out after %s: %q", timeout, action.Command)
	}
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("command exited with code %d: %s", code, output)
	}
	return nil
}

func dialTCP(ctx context.Context, action *corev1.TCPSocketAction, t Target) error {
	address, err := addressOf(action.Host, action.Port, t)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// addressOf finds the number of a port that may be a name, and the host that may be left out.
func addressOf(host string, port intstr.IntOrString, t Target) (string, error) {
	if host == "" {
		host = t.Host
	}
	if port.Type == intstr.Int {
		return net.JoinHostPort(host, strconv.Itoa(port.IntValue())), nil
	}
	for _, p := range t.Container.Ports {
		if p.Name == port.StrVal {
			return net.JoinHostPort(host, strconv.Itoa(int(p.ContainerPort))), nil
		}
	}
	if n, err := strconv.ParseUint(port.StrVal, 10, 16); err == nil {
		return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
	}
	return "", fmt.Errorf("the container has no port named %q", port.StrVal)
}
