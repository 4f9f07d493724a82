package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// forwarded is what a backend is told about the client, in the fields that ingress-nginx sets.
type forwarded struct {
	client    netip.Addr
	host      string
	port      string
	scheme    string
	requestID string
	original  string // the client's own X-Forwarded-For
}

func (x *handler) forwarded(r *http.Request) forwarded {
	f := forwarded{client: peer(r), host: r.Host, scheme: "http", original: strings.Join(r.Header["X-Forwarded-For"], ", ")}
	port := x.server.config.PlainPort
	if x.tls {
		f.scheme, port = "https", x.server.config.TLSPort
	}
	f.port = strconv.Itoa(int(port))
	if x.server.config.TrustForwardedHeaders {
		first, _, _ := strings.Cut(f.original, ",")
		if client, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
			f.client = client
		}
		trust := func(value *string, header string) {
			if claimed := r.Header.Get(header); claimed != "" {
				*value = claimed
			}
		}
		trust(&f.host, "X-Forwarded-Host")
		trust(&f.port, "X-Forwarded-Port")
		trust(&f.scheme, "X-Forwarded-Proto")
	}
	if f.requestID = r.Header.Get("X-Request-Id"); f.requestID == "" {
		var id [16]byte
		rand.Read(id[:])
		f.requestID = hex.EncodeToString(id[:])
	}
	return f
}

func (f *forwarded) set(header http.Header) {
	header.Set("X-Request-Id", f.requestID)
	header.Set("X-Real-Ip", f.client.String())
	header.Set("X-Forwarded-For", f.client.String())
	header.Set("X-Forwarded-Host", f.host)
	header.Set("X-Forwarded-Port", f.port)
	header.Set("X-Forwarded-Proto", f.scheme)
	header.Set("X-Forwarded-Scheme", f.scheme)
	header.Set("X-Scheme", f.scheme)
	if f.original != "" {
		header.Set("X-Original-Forwarded-For", f.original)
	}
}

func netHostPort(host string, port uint16) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(port)))
}
