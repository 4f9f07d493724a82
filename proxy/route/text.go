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
//	  prefix /admin -> default-svc3-admin-8080 (default/ingress-1 svc3-admin:8080)
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
	if text := t.Forwarded.text(); text != "" {
		fmt.Fprintln(out, text)
	}
	if t.ProxyProtocol {
		fmt.Fprintln(out, "proxy protocol")
	}
	if t.UnderscoresInHeaders {
		fmt.Fprintln(out, "underscores in headers")
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the routing table: %w", err)
	}
	return nil
}

// String is "prefix" or "exact".
func (m PathMatch) String() string {
	switch m {
	case Prefix:
		return "prefix"
	case Exact:
		return "exact"
	}
	return fmt.Sprintf("PathMatch(%d)", uint8(m))
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
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

// String is "upstream (namespace/ingress service:port)"; the part in brackets is left out where it is empty.
func (b Backend) String() string {
	name := b.Upstream
	if name == "" {
		name = "-"
	}
	if b.Origin == (Origin{}) {
		return name
	}
	return fmt.Sprintf("%s (%s/%s %s:%s)", name, b.Origin.Namespace, b.Origin.Ingress, b.Origin.Service, b.Origin.Port)
}

func writeHost(out *bufio.Writer, host Host) {
	name := host.Name
	if name == "" {
		name = "_" // as ingress-nginx prints the server of every other host
	}
	fmt.Fprintf(out, "host %s\n", name)
	routes := slices.Clone(host.Routes)
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Match, b.Match))
	})
	for _, r := range routes {
		fmt.Fprintf(out, "  %s %s -> %s\n", r.Match, r.Path, r.Backend)
		for _, line := range r.Policy.lines() {
			fmt.Fprintf(out, "    %s\n", line)
		}
		if r.Canary != nil {
			fmt.Fprintf(out, "    canary%s -> %s\n", r.Canary.rules(), r.Canary.Backend)
		}
	}
}

func (p Policy) lines() []string {
	var lines []string
	if p.RedirectToHTTPS {
		lines = append(lines, "redirect to https")
	}
	if p.HSTS != "" {
		lines = append(lines, fmt.Sprintf("hsts %q", p.HSTS))
	}
	if a := p.Affinity; a != nil {
		lines = append(lines, fmt.Sprintf("affinity cookie=%q path=%q max-age=%s same-site=%q secure=%t",
			a.Cookie, a.Path, a.MaxAge, a.SameSite, a.Secure))
	}
	if p.MaxBodyBytes > 0 {
		lines = append(lines, fmt.Sprintf("max body %d bytes", p.MaxBodyBytes))
	}
	if p.ConnectTimeout > 0 {
		lines = append(lines, fmt.Sprintf("connect timeout %s", p.ConnectTimeout))
	}
	if p.ResponseTimeout > 0 {
		lines = append(lines, fmt.Sprintf("response timeout %s", p.ResponseTimeout))
	}
	return lines
}

// Total is WeightTotal, or what its zero value stands for.
func (c *Canary) Total() int {
	if c.WeightTotal == 0 {
		return 100
	}
	return c.WeightTotal
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
	for _, endpoint := range upstream.Endpoints { // in order: it is the order of the round robin
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
