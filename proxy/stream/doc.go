// Package stream forwards the connections of TCP ports and the datagrams of UDP ports to endpoints, as they are.
//
//	Server.Apply  opens and closes ports: those of the table that is served now
//	tcp.go        a connection: PROXY protocol header, an endpoint, and a tunnel
//	udp.go        a session: what a client sends to a port, and the answers of one endpoint
//
// A connection keeps its endpoint until it ends, also when the table is replaced. A session of UDP ends with its endpoint: a client
// that always sends from the same port would otherwise never reach another.
package stream
