package route

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText prints the table for people and for golden files. The output is the same for every order of the table's
// hosts, routes and upstreams; certificates keep theirs, which has a meaning. Keys are never printed; a chain is
// shown by the start of its SHA-256 sum.
//
//	host gyull.com
//	  prefix /admin -> default-svc3-admin-8080 (default/svc3-admin:8080) from Ingress default/ingress-1
//	    limit request bodies to 1048576 bytes
//	  prefix /private -> deny 503 "auth-url is not supported" from Ingress default/ingress-2
//	upstream default-svc3-admin-8080
//	  172.16.1.4:8080 deploy3-adminsrv-7c8f8b8c87-5pf7g
func (t *Table) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, host := range sortedBy(t.Hosts, func(h Host) string { return h.Name }) {
		writeHost(out, host)
	}
	for _, upstream := range sortedBy(t.Upstreams, func(u Upstream) string { return u.Name }) {
		writeUpstream(out, upstream)
	}
	for _, certificate := range t.Certificates {
		writeCertificate(out, "certificate", certificate)
	}
	if t.DefaultCertificate != nil {
		writeCertificate(out, "default certificate", *t.DefaultCertificate)
	}
	for _, a := range t.ClientAuthorities {
		fmt.Fprintf(out, "client authorities of %s sha256:%s\n", cmp.Or(a.Host, "_"), shortSum(a.RootsPEM))
	}
	writeStreams(out, t)
	for _, h := range t.ClientTLS {
		fmt.Fprintln(out, h.text())
	}
	if text := t.AccessLog.text(); text != "" {
		fmt.Fprintln(out, text)
	}
	if text := t.Forwarded.text(); text != "" {
		fmt.Fprintln(out, text)
	}
	if t.HealthPath != "" {
		fmt.Fprintf(out, "health %s\n", t.HealthPath)
	}
	for _, p := range t.Unrouted {
		fmt.Fprintf(out, "without a route: %s\n", p.Text())
	}
	if t.RawPaths {
		fmt.Fprintln(out, "paths as they were sent")
	}
	if t.ProxyProtocol {
		fmt.Fprintln(out, "proxy protocol")
	}
	if t.NoRequestIDs {
		fmt.Fprintln(out, "no request ids")
	}
	if t.UnderscoresInHeaders {
		fmt.Fprintln(out, "underscores in headers")
	}
	if l := t.RequestHeaders; l != (HeaderLimits{}) {
		fmt.Fprintf(out, "request headers: at most %d bytes, %d in a line, %d fields\n", l.Bytes, l.Line, l.Fields)
	}
	if t.Quirks != 0 {
		fmt.Fprintln(out, "quirks:", t.Quirks)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the routing table: %w", err)
	}
	return nil
}

// String is "http1", "h2c", "https" or "h2".
func (p Protocol) String() string {
	switch p {
	case HTTP1:
		return "http1"
	case H2C:
		return "h2c"
	case HTTPS:
		return "https"
	case H2:
		return "h2"
	case FCGI:
		return "fastcgi"
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

func writeHost(out *bufio.Writer, host Host) {
	name := host.Name
	if name == "" {
		name = "_" // as ingress-nginx prints the server of every other host
	}
	fmt.Fprintf(out, "host %s\n", name)
	routes := slices.Clone(host.Routes)
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Match.Path.Value, b.Match.Path.Value), cmp.Compare(a.Match.Path.Kind, b.Match.Path.Kind))
	})
	for _, r := range routes {
		writeRoute(out, r)
	}
}

func writeRoute(out *bufio.Writer, r Route) {
	action := "-"
	if r.Action != nil {
		action = r.Action.Text()
	}
	fmt.Fprintf(out, "  %s -> %s%s\n", r.Match.Text(), action, r.Source.from())
	for _, p := range r.Policies {
		fmt.Fprintf(out, "    %s\n", p.Text())
	}
	if forward, ok := r.Action.(Forward); ok && forward.Canary != nil {
		c := forward.Canary
		fmt.Fprintf(out, "    canary%s -> %s%s\n", c.rules(), c.Backend.text(), c.Source.from())
	}
}

func (c *Canary) rules() string {
	var rules strings.Builder
	if c.Header != "" {
		fmt.Fprintf(&rules, " header=%q", c.Header)
		if c.HeaderValue != "" {
			fmt.Fprintf(&rules, " value=%q", c.HeaderValue)
		}
		if c.HeaderPattern != "" {
			fmt.Fprintf(&rules, " pattern=%q", c.HeaderPattern)
		}
	}
	if c.Cookie != "" {
		fmt.Fprintf(&rules, " cookie=%q", c.Cookie)
	}
	fmt.Fprintf(&rules, " weight=%d/%d", c.Weight, c.Total())
	return rules.String()
}

func writeUpstream(out *bufio.Writer, upstream Upstream) {
	fmt.Fprintf(out, "upstream %s", upstream.Name)
	if upstream.Protocol != HTTP1 {
		fmt.Fprintf(out, " %s", upstream.Protocol)
	}
	fmt.Fprintln(out)
	if upstream.TLS != nil {
		fmt.Fprintf(out, "  tls%s\n", upstream.TLS.rules())
	}
	writeEndpoints(out, upstream.Endpoints)
}

// writeEndpoints keeps the order, which is that of the round robin.
func writeEndpoints(out *bufio.Writer, endpoints []Endpoint) {
	for _, endpoint := range endpoints {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  %s %s", endpoint.Address, endpoint.Pod), " "))
	}
}

func (t *TLS) rules() string {
	var rules strings.Builder
	if t.ServerName != "" {
		fmt.Fprintf(&rules, " name=%q", t.ServerName)
	}
	if t.SendServerName {
		rules.WriteString(" sent")
	}
	if t.Verify {
		fmt.Fprintf(&rules, " verify depth=%d roots=sha256:%s", t.VerifyDepth, shortSum(t.RootsPEM))
	}
	if words := restrictions(t.MinVersion, t.MaxVersion, t.Ciphers); len(words) > 0 {
		rules.WriteString(" " + strings.Join(words, " "))
	}
	if c := t.Certificate; c != nil {
		fmt.Fprintf(&rules, " certificate=%s sha256:%s", cmp.Or(c.Origin, "-"), shortSum(c.ChainPEM))
	}
	return rules.String()
}

func shortSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func writeCertificate(out *bufio.Writer, kind string, certificate Certificate) {
	hosts := "its own names"
	if len(certificate.Hosts) > 0 {
		hosts = strings.Join(certificate.Hosts, " ")
	}
	fmt.Fprintf(out, "%s %s sha256:%s for %s\n", kind, cmp.Or(certificate.Origin, "-"), shortSum(certificate.ChainPEM), hosts)
}

func sortedBy[T any](items []T, key func(T) string) []T {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return sorted
}
