package dump

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
// An exact location is printed as "location = /guest {".
func (t Table) WriteText(w io.Writer) error {
	out := &printer{out: bufio.NewWriter(w)}
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
	if err := out.out.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// printer writes indented blocks. Errors stay in the writer until it is flushed.
type printer struct {
	out   *bufio.Writer
	depth int
}

func (p *printer) location(l Location) {
	equals := ""
	if l.Match == "exact" {
		equals = "= "
	}
	p.open("location %s%s", equals, l.Path)
	p.backend(l.Main, l.Path)
	p.line("match     %s", l.Match)
	p.upstream(l.Main)
	for _, policy := range l.Policy {
		p.line("policy    %s", policy)
	}
	if c := l.Canary; c != nil {
		p.open("canary")
		p.backend(c.Backend, l.Path)
		p.rule("header    %q", c.Header)
		p.rule("value     %q", c.HeaderValue)
		p.rule("pattern   %q", c.HeaderPattern)
		p.rule("cookie    %q", c.Cookie)
		p.line("weight    %d of %d", c.Weight, c.WeightTotal)
		p.upstream(c.Backend)
		p.close()
	}
	p.close()
}

func (p *printer) backend(b Backend, path string) {
	p.line("namespace %q", b.Namespace)
	p.line("ingress   %q", b.Ingress)
	p.line("service   %q", b.Service)
	p.line("port      %q", b.Port)
	p.line("path      %q", path)
}

func (p *printer) upstream(b Backend) {
	p.open("upstream  %q %s", b.Upstream, b.Protocol)
	for _, endpoint := range b.Endpoints {
		if endpoint.Pod == "" {
			p.line("%s", endpoint.Address)
		} else {
			p.line("%s  # %s", endpoint.Address, endpoint.Pod)
		}
	}
	p.close()
}

// rule prints one condition of a canary, if it has it.
func (p *printer) rule(format, value string) {
	if value != "" {
		p.line(format, value)
	}
}

func (p *printer) open(format string, args ...any) {
	p.line(format+" {", args...)
	p.depth++
}

func (p *printer) close() {
	p.depth--
	p.line("}")
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(p.out, "%s"+format+"\n", append([]any{strings.Repeat("    ", p.depth)}, args...)...)
}
