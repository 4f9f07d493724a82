package inprocess

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// tcpServices is the name of the ConfigMap with the TCP ports that the controller forwards to Services.
const tcpServices = "tcp-services"

// tcpPorts are the TCP ports that the controller forwards, and those of the node that lead to them.
type tcpPorts struct {
	services  map[string]string // namespace/service:port by port, as in the ConfigMap
	nodePorts map[string]int32
}

// set takes the setting "TCP PORT" or "TCP node port PORT". It reports whether it is one of these.
func (p *tcpPorts) set(name, value string) (bool, error) {
	port, found := strings.CutPrefix(name, "TCP ")
	if !found {
		return false, nil
	}
	port, isNodePort := strings.CutPrefix(port, "node port ")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, nil //nolint:nilerr // the name is that of another setting, or of none
	}
	if !isNodePort {
		p.services[port] = value
		return true, nil
	}
	number, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return true, fmt.Errorf("the setting %q of the ingress controller must be a port, not %q", name, value)
	}
	p.nodePorts[port] = int32(number)
	return true, nil
}

// ofService are the ports of the controller's Service that have a node port.
func (p *tcpPorts) ofService() []corev1.ServicePort {
	var all []corev1.ServicePort
	for port, nodePort := range p.nodePorts {
		number, _ := strconv.ParseInt(port, 10, 32) // set has checked it
		all = append(all, corev1.ServicePort{Name: "tcp-" + port, Port: int32(number), NodePort: nodePort})
	}
	slices.SortFunc(all, func(a, b corev1.ServicePort) int { return int(a.Port) - int(b.Port) })
	return all
}

// streams implements stream.Ports: the proxy's ports have any free port of the loopback interface.
type streams struct{ network *network }

// Listen implements stream.Ports.
func (s streams) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, network, net.JoinHostPort(loopback, "0"))
	if err != nil {
		return nil, fmt.Errorf("listening for port %s: %w", address, err)
	}
	for _, of := range []string{controllerAddress, controllerClusterIP} {
		s.network.listen(of+address, listener.Addr().String())
	}
	return streamListener{listener, s.network, address}, nil
}

// ListenPacket implements stream.Ports.
func (s streams) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return nil, unsupported("UDP ports")
}

// streamListener is a port of the controller until it is closed.
type streamListener struct {
	listener net.Listener
	network  *network
	address  string
}

// Accept implements net.Listener.
func (l streamListener) Accept() (net.Conn, error) {
	conn, err := l.listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return nil, fmt.Errorf("accepting at port %s: %w", l.address, err)
	}
	return conn, err //nolint:wrapcheck // that it was closed is no failure
}

// Addr implements net.Listener.
func (l streamListener) Addr() net.Addr { return l.listener.Addr() }

// Close implements net.Listener.
func (l streamListener) Close() error {
	for _, of := range []string{controllerAddress, controllerClusterIP} {
		l.network.close(of + l.address)
	}
	if err := l.listener.Close(); err != nil {
		return fmt.Errorf("closing port %s: %w", l.address, err)
	}
	return nil
}
