package definitions_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/fixtures/certificates"
	"github.com/ingress-testbed/testbed/proxy/proxytest"
	"github.com/ingress-testbed/testbed/reports/results"
)

// peers are the endpoints of the connections in the captures.
type peers struct {
	controller, client, secure, nodePort, farPod netip.AddrPort
	tunnel, wrongEnd                             [2]netip.AddrPort
}

func ends() peers {
	at := netip.MustParseAddrPort
	return peers{
		controller: at("127.0.0.1:40000"), client: at("127.0.0.1:50000"), secure: at("172.16.0.7:443"),
		nodePort: at("172.16.0.7:30443"), farPod: at("172.16.2.5:8080"),
		tunnel:   [2]netip.AddrPort{at("10.0.0.1:9999"), at("10.0.0.2:8472")},
		wrongEnd: [2]netip.AddrPort{at("10.0.0.1:9999"), at("10.0.0.3:8472")},
	}
}

const packetSteps = `
  Scenario: packets
    Given packets are captured on the link of the controller's Pod
    And packets are captured on the link of the node "${controller node}"
    Then on the Pod's link, the client opened a connection to port 443 of "172.16.0.7"
    And on the Pod's link, the client's TLS ClientHello on port 443 names "gyull.com"
    And on the Pod's link, the server answers with a TLS ServerHello from port 443
    And on the Pod's link, no packet uses the TCP port 30443
    And on the Pod's link, "${controller address}" exchanges data with each Pod of "far" on port 8080
    And on the node's link, "${controller address}" exchanges data with each Pod of "far" on port 8080, only in VXLAN to UDP port 8472 of the Pod's node
`

func TestPackets(t *testing.T) {
	e := ends()
	hello, answer := handshake(t, "gyull.com")
	otherHello, _ := handshake(t, "gyull.org")
	request, response := []byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\n")
	good := func(r *pcap) {
		r.conversation(e.client, e.secure, nil, hello, answer)
		r.conversation(e.controller, e.farPod, nil, request, response)
	}
	l := newLoopback(t, proxytest.Mutation{})
	farDeployment(t, l)
	tunnelled := func(r *pcap) { r.conversation(e.controller, e.farPod, &e.tunnel, request, response) }
	for _, test := range []struct {
		name      string
		pod, node func(*pcap)
		seen      string // part of the failure's message; empty where all is as it should be
	}{
		{"all as expected", good, tunnelled, ""},
		{"nothing was captured", func(*pcap) {}, tunnelled, "no TCP connection among 0 packets"},
		{"no answer to the SYN", func(r *pcap) { r.segment(e.client, e.secure, nil, "S", 1, 0, nil) }, tunnelled, "did not answer the SYN"},
		{"plain text", func(r *pcap) { r.conversation(e.client, e.secure, nil, request, response) }, tunnelled, "record of type"},
		{"another name", func(r *pcap) { r.conversation(e.client, e.secure, nil, otherHello, answer) }, tunnelled, `it names "gyull.org"`},
		{"no ServerHello", func(r *pcap) { r.conversation(e.client, e.secure, nil, hello, nil) }, tunnelled, "incomplete"},
		{"the node port is on the link", func(r *pcap) { good(r); r.conversation(e.client, e.nodePort, nil, request, response) }, tunnelled, "172.16.0.7:30443"},
		{"no request to the Pod", func(r *pcap) { r.conversation(e.client, e.secure, nil, hello, answer) }, tunnelled, "an HTTP request from 127.0.0.1 to 172.16.2.5:8080"},
		{"connections that were open before", func(r *pcap) {
			r.conversation(e.client, e.secure, nil, hello, answer)
			r.segment(e.farPod, e.controller, nil, ".", 499, 100, nil)
			r.segment(e.controller, e.farPod, nil, ".", 100, 500, request)
			r.segment(e.farPod, e.controller, nil, ".", 500, 101, response)
		}, tunnelled, ""},
		{"no tunnel", good, func(r *pcap) { r.conversation(e.controller, e.farPod, nil, request, response) }, "outside of any tunnel"},
		{"a tunnel to another node", good, func(r *pcap) { r.conversation(e.controller, e.farPod, &e.wrongEnd, request, response) }, "10.0.0.3:8472"},
		{"nothing on the node's link", good, func(*pcap) {}, "no TCP connection among 0 packets"},
		{"half a packet", func(r *pcap) { good(r); r.bytes.Truncate(r.bytes.Len() - 3) }, tunnelled, "reading packet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l.pcap["controller-0"], l.pcap["node-1"] = newPcap(t, test.pod), newPcap(t, test.node)
			environment := l.environment(t)
			scenario := runFeature(t, environment, preamble+packetSteps).Features[0].Scenarios[0]
			step := scenario.FailedStep()
			switch {
			case test.seen == "" && scenario.Status() != results.Passed:
				t.Errorf("%s: %s", scenario.Status(), messageOf(step))
			case test.seen != "" && (step == nil || !strings.Contains(step.Failure.Message, test.seen)):
				t.Errorf("want a failure with %q, but it is %s: %s", test.seen, scenario.Status(), messageOf(step))
			}
			if kept, _ := filepath.Glob(filepath.Join(environment.ArtefactDir, "*", "*.pcap")); len(kept) == 0 && test.name != "half a packet" {
				t.Error("no capture was kept")
			}
		})
	}
}

// A step that expects no packets fails if there are none at all.
func TestAnEmptyCaptureProvesNothing(t *testing.T) {
	e := ends()
	l := newLoopback(t, proxytest.Mutation{})
	l.pcap["controller-0"] = newPcap(t, func(r *pcap) { r.segment(e.controller, e.farPod, nil, "S", 1, 0, nil) })
	feature := preamble + `
  Scenario: silence
    Given packets are captured on the link of the controller's Pod
    Then on the Pod's link, no packet uses the TCP port 30443
`
	step := runFeature(t, l.environment(t), feature).Features[0].Scenarios[0].FailedStep()
	if step == nil || !strings.Contains(step.Failure.Message, "as proof that the capture works") {
		t.Errorf("an empty capture was accepted: %+v", step)
	}
}

// A capture that is running when another step fails is attached.
func TestCapturesAreAttachedAfterAFailure(t *testing.T) {
	e := ends()
	l := newLoopback(t, proxytest.Mutation{})
	l.pcap["controller-0"] = newPcap(t, func(r *pcap) { r.segment(e.controller, e.farPod, nil, "S", 1, 0, nil) })
	environment := l.environment(t)
	runFeature(t, environment, preamble+`
  Scenario: it fails
    Given packets are captured on the link of the controller's Pod
    Then the response status is 200
`)
	kept, _ := filepath.Glob(filepath.Join(environment.ArtefactDir, "*", "*.pcap"))
	if len(kept) != 1 {
		t.Fatalf("%d captures were kept, want 1", len(kept))
	}
	content, err := os.ReadFile(kept[0])
	if err != nil || !bytes.Equal(content, l.pcap["controller-0"]) {
		t.Errorf("the file has %d bytes (%v), want the %d of the capture", len(content), err, len(l.pcap["controller-0"]))
	}
}

func farDeployment(t *testing.T, l *loopback) {
	e := ends()
	t.Helper()
	l.create(t, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "far"},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "far"}}},
	})
	l.create(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "far-pod-a", Labels: map[string]string{"app": "far"}},
		Spec:       corev1.PodSpec{NodeName: "node-2"},
		Status: corev1.PodStatus{
			PodIP: e.farPod.Addr().String(), Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	})
}

// pcap writes a capture.
type pcap struct {
	t      *testing.T
	bytes  bytes.Buffer
	writer *pcapgo.Writer
}

func newPcap(t *testing.T, write func(*pcap)) []byte {
	t.Helper()
	r := &pcap{t: t}
	r.writer = pcapgo.NewWriterNanos(&r.bytes)
	if err := r.writer.WriteFileHeader(65536, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	write(r)
	return r.bytes.Bytes()
}

// conversation writes a connection on which each side sends data.
func (r *pcap) conversation(from, to netip.AddrPort, tunnel *[2]netip.AddrPort, request, response []byte) {
	r.segment(from, to, tunnel, "S", 100, 0, nil)
	r.segment(to, from, tunnel, "S.", 500, 101, nil)
	r.segment(from, to, tunnel, ".", 101, 501, nil)
	r.segment(from, to, tunnel, ".", 101, 501, request)
	if response != nil {
		r.segment(to, from, tunnel, ".", 501, 101, response)
	}
}

func (r *pcap) segment(from, to netip.AddrPort, tunnel *[2]netip.AddrPort, flags string, sequence, acknowledged uint32, payload []byte) {
	r.t.Helper()
	var frame []gopacket.SerializableLayer
	if tunnel != nil {
		frame = append(frame, ethernet(), ipv4(tunnel[0], tunnel[1], layers.IPProtocolUDP),
			&layers.UDP{SrcPort: layers.UDPPort(tunnel[0].Port()), DstPort: layers.UDPPort(tunnel[1].Port())},
			&layers.VXLAN{ValidIDFlag: true, VNI: 1})
	}
	frame = append(frame, ethernet(), ipv4(from, to, layers.IPProtocolTCP), &layers.TCP{
		SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: sequence, Ack: acknowledged,
		SYN: strings.Contains(flags, "S"), ACK: strings.Contains(flags, "."),
	}, gopacket.Payload(payload))
	buffer := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, frame...); err != nil {
		r.t.Fatal(err)
	}
	info := gopacket.CaptureInfo{Timestamp: time.Now(), Length: len(buffer.Bytes()), CaptureLength: len(buffer.Bytes())}
	if err := r.writer.WritePacket(info, buffer.Bytes()); err != nil {
		r.t.Fatal(err)
	}
}

func ethernet() *layers.Ethernet {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	return &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}
}

func ipv4(from, to netip.AddrPort, protocol layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: protocol, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
}

// handshake records how a real client and a real server begin a TLS connection.
func handshake(t *testing.T, name string) (hello, answer []byte) {
	t.Helper()
	pair, err := certificates.SelfSigned(name)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	clientEnd, serverEnd := net.Pipe()
	clientSide, serverSide := &tap{Conn: clientEnd}, &tap{Conn: serverEnd}
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(serverSide, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake()
	}()
	if err := tls.Client(clientSide, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return clientSide.written.Bytes(), serverSide.written.Bytes()
}

// tap keeps what is written to a connection.
type tap struct {
	net.Conn
	written bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) {
	t.written.Write(p)
	return t.Conn.Write(p)
}
