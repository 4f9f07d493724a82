// Package capture records the packets of a network interface as a pcap stream and reads such streams back as
// conversations: who opened a connection to whom, the server name in its TLS ClientHello, and its tunnel. It needs
// neither libpcap nor cgo.
package capture
