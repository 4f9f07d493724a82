package capture

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// The ends of the connection, as in the walkthrough's capture.
func client() netip.AddrPort { return netip.MustParseAddrPort("175.116.31.155:63439") }
func server() netip.AddrPort { return netip.MustParseAddrPort("172.16.0.7:443") }

// recording writes frames as a pcap stream.
type recording struct {
	t       *testing.T
	bytes   bytes.Buffer
	pcap    *pcapgo.Writer
	written int
}

func newRecording(t *testing.T) *recording {
	r := &recording{t: t}
	r.pcap = pcapgo.NewWriterNanos(&r.bytes)
	if err := r.pcap.WriteFileHeader(snapLength, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *recording) frame(layersOfFrame ...gopacket.SerializableLayer) {
	r.t.Helper()
	frame := serialize(r.t, layersOfFrame...)
	r.written++
	info := gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(r.written)), Length: len(frame), CaptureLength: len(frame)}
	if err := r.pcap.WritePacket(info, frame); err != nil {
		r.t.Fatal(err)
	}
}

func (r *recording) read() []Packet {
	r.t.Helper()
	packets, err := Read(bytes.NewReader(r.bytes.Bytes()))
	if err != nil {
		r.t.Fatal(err)
	}
	return packets
}

func serialize(t *testing.T, layersOfFrame ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buffer := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, layersOfFrame...); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func ethernet() *layers.Ethernet {
	return &layers.Ethernet{
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4,
	}
}

func ipv4(from, to netip.AddrPort, protocol layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: protocol, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
}

func tcp(from, to netip.AddrPort, flags string, sequence, acknowledged uint32, payload []byte) []gopacket.SerializableLayer {
	segment := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: sequence, Ack: acknowledged}
	for _, flag := range flags {
		switch flag {
		case 'S':
			segment.SYN = true
		case '.':
			segment.ACK = true
		case 'P':
			segment.PSH = true
		case 'F':
			segment.FIN = true
		case 'R':
			segment.RST = true
		}
	}
	return []gopacket.SerializableLayer{ethernet(), ipv4(from, to, layers.IPProtocolTCP), segment, gopacket.Payload(payload)}
}

func TestReadPlainPackets(t *testing.T) {
	recording := newRecording(t)
	recording.frame(tcp(client(), server(), "S", 1383706545, 0, nil)...)
	recording.frame(ethernet(), ipv4(client(), server(), layers.IPProtocolICMPv4), &layers.ICMPv4{TypeCode: 0x0800})
	recording.frame(tcp(client(), server(), "P.", 1, 1, []byte("GET / HTTP/1.1\r\n"))...)

	packets := recording.read()
	want := []Packet{
		{Time: time.Unix(0, 1), Source: client(), Destination: server(), TCP: &Segment{SYN: true, Sequence: 1383706545}},
		{
			Time: time.Unix(0, 3), Source: client(), Destination: server(),
			TCP: &Segment{PSH: true, ACK: true, Sequence: 1, Acknowledged: 1}, Payload: []byte("GET / HTTP/1.1\r\n"),
		},
	}
	if diff := cmp.Diff(want, packets, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), emptyIsNil()); diff != "" {
		t.Errorf("packets (-want +got):\n%s", diff)
	}
	if flags := packets[1].TCP.Flags(); flags != "[P.]" {
		t.Errorf("flags are %s, not [P.]", flags)
	}
}

func emptyIsNil() cmp.Option {
	return cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })
}

func TestReadVXLAN(t *testing.T) {
	for _, port := range []uint16{8472, 4789} {
		outerFrom, outerTo := netip.MustParseAddrPort("192.168.10.10:40000"), netip.AddrPortFrom(netip.MustParseAddr("192.168.10.101"), port)
		podFrom, podTo := netip.MustParseAddrPort("172.16.0.7:5000"), netip.MustParseAddrPort("172.16.1.4:8080")
		recording := newRecording(t)
		outer := []gopacket.SerializableLayer{
			ethernet(), ipv4(outerFrom, outerTo, layers.IPProtocolUDP),
			&layers.UDP{SrcPort: layers.UDPPort(outerFrom.Port()), DstPort: layers.UDPPort(port)},
			&layers.VXLAN{ValidIDFlag: true, VNI: 1},
		}
		recording.frame(append(outer, tcp(podFrom, podTo, "S", 7, 0, nil)...)...)
		packets := recording.read()
		if len(packets) != 1 || packets[0].Tunnel == nil || packets[0].TCP == nil {
			t.Fatalf("port %d: got %+v, want one TCP packet in a tunnel", port, packets)
		}
		got := packets[0]
		if got.Source != podFrom || got.Destination != podTo {
			t.Errorf("port %d: inside is %s to %s, want %s to %s", port, got.Source, got.Destination, podFrom, podTo)
		}
		if want := (Tunnel{Source: outerFrom, Destination: outerTo, Network: 1}); *got.Tunnel != want {
			t.Errorf("port %d: tunnel is %+v, want %+v", port, *got.Tunnel, want)
		}
	}
}

func TestReadBrokenStream(t *testing.T) {
	recording := newRecording(t)
	recording.frame(tcp(client(), server(), "S", 1, 0, nil)...)
	recording.frame(tcp(client(), server(), ".", 2, 1, nil)...)
	whole := recording.bytes.Bytes()

	packets, err := Read(bytes.NewReader(whole[:len(whole)-3]))
	if err == nil || len(packets) != 1 {
		t.Errorf("a stream that breaks off gave %d packets and error %v, want 1 and an error", len(packets), err)
	}
	if _, err := Read(bytes.NewReader(nil)); err == nil {
		t.Error("an empty stream is no error")
	}
}

func TestHandshake(t *testing.T) {
	syn := tcp(client(), server(), "S", 100, 0, nil)
	synAck := tcp(server(), client(), "S.", 500, 101, nil)
	ack := tcp(client(), server(), ".", 101, 501, nil)
	for _, test := range []struct {
		name   string
		frames [][]gopacket.SerializableLayer
		err    string
	}{
		{"complete", [][]gopacket.SerializableLayer{syn, synAck, ack}, ""},
		{"no answer", [][]gopacket.SerializableLayer{syn, syn}, "did not answer the SYN"},
		{"answer to another SYN", [][]gopacket.SerializableLayer{syn, tcp(server(), client(), "S.", 500, 99, nil), ack}, "did not answer"},
		{"no ACK", [][]gopacket.SerializableLayer{syn, synAck}, "did not acknowledge"},
		{"ACK of another", [][]gopacket.SerializableLayer{syn, synAck, tcp(client(), server(), ".", 101, 502, nil)}, "did not acknowledge"},
		{"no SYN", [][]gopacket.SerializableLayer{synAck, ack}, "no SYN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			recording := newRecording(t)
			for _, frame := range test.frames {
				recording.frame(frame...)
			}
			conversations := Conversations(recording.read())
			if len(conversations) != 1 {
				t.Fatalf("%d conversations, want 1", len(conversations))
			}
			if got := conversations[0]; got.Client != client() || got.Server != server() {
				t.Errorf("client %s and server %s, want %s and %s", got.Client, got.Server, client(), server())
			}
			_, err := conversations[0].Handshake()
			checkError(t, err, test.err)
		})
	}
}

func TestConversationsAreToldApart(t *testing.T) {
	other := netip.MustParseAddrPort("175.116.31.155:63440")
	recording := newRecording(t)
	recording.frame(tcp(client(), server(), "S", 1, 0, nil)...)
	recording.frame(tcp(other, server(), "S", 1, 0, nil)...)
	recording.frame(tcp(server(), client(), "S.", 1, 2, nil)...)
	recording.frame(tcp(client(), server(), "S", 1, 0, nil)...)    // the same SYN again
	recording.frame(tcp(client(), server(), "S", 9000, 0, nil)...) // the addresses used again
	conversations := Conversations(recording.read())
	var sizes []int
	for _, conversation := range conversations {
		sizes = append(sizes, len(conversation.Packets))
	}
	if diff := cmp.Diff([]int{3, 1, 1}, sizes); diff != "" {
		t.Errorf("packets of each conversation (-want +got):\n%s", diff)
	}
}

func TestStreamIsPutTogether(t *testing.T) {
	start := uint32(0xfffffffd) // so that the numbers wrap around
	recording := newRecording(t)
	recording.frame(tcp(client(), server(), "S", start-1, 0, nil)...)
	recording.frame(tcp(client(), server(), ".", start+3, 0, []byte("defg"))...)
	recording.frame(tcp(client(), server(), ".", start, 0, []byte("abc"))...)
	recording.frame(tcp(client(), server(), ".", start, 0, []byte("abcde"))...)
	recording.frame(tcp(client(), server(), ".", start+9, 0, []byte("after a gap"))...)
	conversation := Conversations(recording.read())[0]
	if got := string(conversation.Stream(client())); got != "abcdefg" {
		t.Errorf("the stream is %q, want %q", got, "abcdefg")
	}
	if got := conversation.Stream(server()); len(got) != 0 {
		t.Errorf("the server sent %q, want nothing", got)
	}
}

func TestStreamOfAConnectionThatWasOpenBefore(t *testing.T) {
	recording := newRecording(t)
	recording.frame(tcp(server(), client(), ".", 499, 100, nil)...) // a keep-alive probe
	recording.frame(tcp(client(), server(), ".", 100, 500, []byte("ask"))...)
	recording.frame(tcp(server(), client(), ".", 500, 103, []byte("answer"))...)
	conversation := Conversations(recording.read())[0]
	if got := string(conversation.Stream(client())) + " " + string(conversation.Stream(server())); got != "ask answer" {
		t.Errorf("the streams are %q, want %q", got, "ask answer")
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && err == nil:
		t.Errorf("no error, want one with %q", want)
	case want != "" && !bytes.Contains([]byte(err.Error()), []byte(want)):
		t.Errorf("error %q, want one with %q", err, want)
	}
}

// handshakeBytes records what both sides of a real TLS handshake send.
func handshakeBytes(t *testing.T, config *tls.Config) (fromClient, fromServer []byte) {
	t.Helper()
	clientEnd, serverEnd := net.Pipe()
	clientTap, serverTap := &tap{Conn: clientEnd}, &tap{Conn: serverEnd}
	certificate := selfSigned(t)
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(serverTap, &tls.Config{
			Certificates: []tls.Certificate{certificate}, MaxVersion: config.MaxVersion, NextProtos: config.NextProtos,
		}).Handshake()
	}()
	if err := tls.Client(clientTap, config).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return clientTap.written.Bytes(), serverTap.written.Bytes()
}

type tap struct {
	net.Conn
	written bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) {
	t.written.Write(p)
	return t.Conn.Write(p)
}

func TestHellos(t *testing.T) {
	for _, test := range []struct {
		name    string
		version uint16
	}{{"TLS 1.3", tls.VersionTLS13}, {"TLS 1.2", tls.VersionTLS12}} {
		t.Run(test.name, func(t *testing.T) {
			fromClient, fromServer := handshakeBytes(t, &tls.Config{
				ServerName: "gyull.com", InsecureSkipVerify: true, MaxVersion: test.version, NextProtos: []string{"h2", "http/1.1"},
			})
			hello, err := ParseClientHello(fromClient)
			if err != nil {
				t.Fatal(err)
			}
			if hello.ServerName != "gyull.com" {
				t.Errorf("server name is %q, want gyull.com", hello.ServerName)
			}
			if diff := cmp.Diff([]string{"h2", "http/1.1"}, hello.Protocols); diff != "" {
				t.Errorf("protocols (-want +got):\n%s", diff)
			}
			if hello.Versions[0] != test.version {
				t.Errorf("first version is %#x, want %#x", hello.Versions[0], test.version)
			}
			answer, err := ParseServerHello(fromServer)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Version != test.version || answer.CipherSuite == 0 {
				t.Errorf("the server chose %+v, want version %#x", answer, test.version)
			}
			if _, err := ParseServerHello(fromClient); err == nil {
				t.Error("a ClientHello passed for a ServerHello")
			}
			for length := range 100 {
				if _, err := ParseClientHello(fromClient[:length]); !errors.Is(err, ErrIncomplete) {
					t.Fatalf("the first %d bytes gave %v, want ErrIncomplete", length, err)
				}
			}
		})
	}
}

func TestHelloOverSeveralRecords(t *testing.T) {
	whole, _ := handshakeBytes(t, &tls.Config{ServerName: "gyull.com", InsecureSkipVerify: true})
	length := int(whole[3])<<8 | int(whole[4])
	message := whole[5 : 5+length]
	var stream []byte
	for len(message) > 0 {
		size := min(50, len(message))
		stream = append(append(stream, 22, 3, 1, 0, byte(size)), message[:size]...)
		message = message[size:]
	}
	hello, err := ParseClientHello(stream)
	if err != nil || hello.ServerName != "gyull.com" {
		t.Errorf("got %+v and %v, want server name gyull.com", hello, err)
	}
}

func TestNotTLS(t *testing.T) {
	for _, stream := range []string{"GET / HTTP/1.1\r\n", "\x16\x05\x00\x00\x05hello", "\x16\x03\x01\x00\x00", "\x16\x03\x01\x00\x04\x01\xff\xff\xff"} {
		if hello, err := ParseClientHello([]byte(stream)); err == nil || errors.Is(err, ErrIncomplete) {
			t.Errorf("%q gave %+v and %v, want it refused", stream, hello, err)
		}
	}
}
