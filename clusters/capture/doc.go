// Package capture records the packets of a network interface as a pcap stream and reads such streams back as
// conversations: who opened a connection to whom, which name its TLS ClientHello asked for, and in which tunnel it
// travelled. It needs neither libpcap nor cgo.
package capture
