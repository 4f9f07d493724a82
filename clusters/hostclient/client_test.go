package hostclient_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/ingress-testbed/testbed/clusters/hostclient"
)

func TestTheAddressIsTheOneThatServersSee(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := hostclient.New(t.Context(), netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := client.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if seen := netip.MustParseAddrPort(accepted.RemoteAddr().String()).Addr(); seen != client.Addr() {
		t.Errorf("the server sees %s, the client says %s", seen, client.Addr())
	}
}

func TestAnUnknownAddressIsNone(t *testing.T) {
	if client := hostclient.At(netip.Addr{}); client.Addr().IsValid() {
		t.Errorf("got %s", client.Addr())
	}
}
