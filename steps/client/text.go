package client

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxShown is the most bytes of a body that Text contains.
const maxShown = 8 << 10

// Text formats an exchange like curl -v, with ">" before the request and "<" before the response.
func (e Exchange) Text() string {
	var text strings.Builder
	if e.Remote.IsValid() {
		fmt.Fprintf(&text, "* %s → %s\n", e.Local, e.Remote)
	}
	if e.TLS != nil {
		fmt.Fprintf(&text, "* %s, %s\n", tls.VersionName(e.TLS.Version), tls.CipherSuiteName(e.TLS.CipherSuite))
		for _, certificate := range e.TLS.PeerCertificates[:min(1, len(e.TLS.PeerCertificates))] {
			fmt.Fprintf(&text, "* certificate of %s, names %q\n", certificate.Subject, certificate.DNSNames)
		}
	}
	fmt.Fprintf(&text, "> %s %s\n", e.Request.Method, e.Request.URL)
	writeHeader(&text, ">", e.Request.Header)
	if e.Request.Body != "" {
		fmt.Fprintf(&text, ">\n%s\n", shorten(e.Request.Body))
	}
	if e.Status != 0 {
		fmt.Fprintf(&text, "< %s %d (after %s)\n", e.Proto, e.Status, e.Took.Round(100*1000))
		writeHeader(&text, "<", e.Header)
		fmt.Fprintf(&text, "<\n%s\n", shorten(e.Body))
	}
	return text.String()
}

func writeHeader(text *strings.Builder, mark string, header map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(text, "%s %s: %s\n", mark, strings.ToLower(name), value)
		}
	}
}

func shorten(body string) string {
	if !utf8.ValidString(body) {
		return fmt.Sprintf("(%d bytes that are not text)", len(body))
	}
	if len(body) <= maxShown {
		return body
	}
	return fmt.Sprintf("%s\n(… and %d bytes more)", strings.ToValidUTF8(body[:maxShown], ""), len(body)-maxShown)
}
