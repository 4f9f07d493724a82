package configdump

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteText prints a table for people, in blocks like those of an nginx.conf. The five lines after that of a location
// say what it was made from, so that `grep location -A5` shows them:
//
//	server _ {
//	    location /guest {
//	        namespace "default"
//	        ingress   "ingress-1"
//	        service   "svc2-guest"
//	        port      "8080"
//	        path      "/guest"
//	        match     prefix
//	        upstream  "default-svc2-guest-8080" {
//	            172.16.1.3:8080  # deploy2-guestsrv-649875f78b-2fl9v
//	        }
//	    }
//	}
//
// An exact location is printed as "location = /guest {", a regular expression as "location ~ /guest {", or with "~*" if
// it ignores case. Several backends each have a block and a weight. The block "overHTTPS" is the upstream of requests that
// clients send over HTTPS, where it is another.
func (t Table) WriteText(w io.Writer) error {
	out := &blockWriter{out: bufio.NewWriter(w)}
	for _, server := range t.Servers {
		out.open("server %s", server.Name)
		for _, location := range server.Locations {
			out.location(location)
		}
		out.close()
	}
	for _, certificate := range t.Certificates {
		out.line("certificate %q for %s", certificate.Secret, strings.Join(certificate.Hosts, " "))
	}
	if t.DefaultCertificate != "" {
		out.line("certificate %q by default", t.DefaultCertificate)
	}
	for _, settings := range t.Settings {
		out.line("settings \"%s/%s\" in resourceVersion %s", settings.Namespace, settings.Name, settings.ResourceVersion)
	}
	if err := out.out.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// blockWriter writes indented blocks. Errors stay in the writer until it is flushed.
type blockWriter struct {
	out   *bufio.Writer
	depth int
}

func (w *blockWriter) location(l Location) {
	w.open("location %s%s", modifier(l), l.Path)
	first := Backend{}
	if len(l.Backends) > 0 {
		first = l.Backends[0]
	}
	w.origin(l.Namespace, l.Ingress, first, l.Path)
	w.line("match     %s", l.Match)
	for _, condition := range l.Conditions {
		w.line("condition %s", condition)
	}
	if l.Answer != "" {
		w.line("answer    %s", l.Answer)
	}
	for _, b := range l.Backends {
		if len(l.Backends) == 1 {
			w.backend(b)
			continue
		}
		w.open("backend")
		w.line("service   %q", b.Service)
		w.line("port      %q", b.Port)
		w.line("weight    %d", b.Weight)
		w.backend(b)
		w.close()
	}
	for _, policy := range l.Policy {
		w.line("policy    %s", policy)
	}
	if c := l.Canary; c != nil {
		w.open("canary")
		w.origin(c.Namespace, c.Ingress, c.Backend, l.Path)
		w.rule("header    %q", c.Header)
		w.rule("value     %q", c.HeaderValue)
		w.rule("pattern   %q", c.HeaderPattern)
		w.rule("cookie    %q", c.Cookie)
		w.line("weight    %d of %d", c.Weight, c.WeightTotal)
		w.backend(c.Backend)
		w.close()
	}
	w.close()
}

// modifier is what nginx writes before the path of a location.
func modifier(l Location) string {
	switch {
	case l.Match == "exact":
		return "= "
	case l.Match == "regex" && l.IgnoreCase:
		return "~* "
	case l.Match == "regex":
		return "~ "
	}
	return ""
}

func (w *blockWriter) origin(namespace, ingress string, b Backend, path string) {
	w.line("namespace %q", namespace)
	w.line("ingress   %q", ingress)
	w.line("service   %q", b.Service)
	w.line("port      %q", b.Port)
	w.line("path      %q", path)
}

func (w *blockWriter) backend(b Backend) {
	if b.Answer != "" {
		w.line("answer    %s", b.Answer)
		return
	}
	w.upstream("upstream ", b.Upstream)
	if b.OverHTTPS != nil {
		w.upstream("overHTTPS", *b.OverHTTPS)
	}
}

func (w *blockWriter) upstream(use string, u Upstream) {
	w.open("%s %q %s", use, u.Name, u.Protocol)
	for _, endpoint := range u.Endpoints {
		if endpoint.Pod == "" {
			w.line("%s", endpoint.Address)
		} else {
			w.line("%s  # %s", endpoint.Address, endpoint.Pod)
		}
	}
	w.close()
}

// rule prints one condition of a canary, if it has it.
func (w *blockWriter) rule(format, value string) {
	if value != "" {
		w.line(format, value)
	}
}

func (w *blockWriter) open(format string, args ...any) {
	w.line(format+" {", args...)
	w.depth++
}

func (w *blockWriter) close() {
	w.depth--
	w.line("}")
}

func (w *blockWriter) line(format string, args ...any) {
	fmt.Fprintf(w.out, "%s"+format+"\n", append([]any{strings.Repeat("    ", w.depth)}, args...)...)
}
