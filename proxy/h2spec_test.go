package proxy_test

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"

	"github.com/ingress-testbed/testbed/proxy"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// plainPreface is the case that can't pass on the plain-text listener: what does not begin with the preface of HTTP/2
// is taken for HTTP/1.1 there, and refused in HTTP/1.1.
const plainPreface = "Sends invalid connection preface"

// TestH2Spec runs h2spec, the conformance suite for HTTP/2 servers, against both listeners.
func TestH2Spec(t *testing.T) {
	s := serve(t, proxy.Config{}, &route.Table{
		Hosts:     []route.Host{host("", prefix("/", "u"))},
		Upstreams: []route.Upstream{upstream("u", backend(t, named("a reply of more than a few bytes")))},
	})
	for name, c := range map[string]struct {
		address string
		tls     bool
		cases   int
	}{"TLS": {s.secure, true, 146}, "prior knowledge": {s.plain, false, 145}} { // plainPreface is the one that is missing
		t.Run(name, func(t *testing.T) {
			host, port, err := net.SplitHostPort(c.address)
			if err != nil {
				t.Fatal(err)
			}
			number, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			settings := &config.Config{
				Host: host, Port: number, Path: "/", Timeout: time.Second, MaxHeaderLen: 4000,
				TLS: c.tls, Insecure: true, Strict: true,
			}
			defer silence(t)()
			passed := 0
			for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
				group.Test(settings)
				report(t, group, !c.tls)
				passed += group.PassedCount
			}
			if passed != c.cases {
				t.Errorf("%d cases passed, want %d", passed, c.cases)
			}
		})
	}
}

// report fails the test for each case that failed or could not be run.
func report(t *testing.T, group *spec.TestGroup, plain bool) {
	for _, c := range group.Tests {
		if plain && c.Desc == plainPreface {
			continue
		}
		if c.Result != nil && (c.Result.Failed || c.Result.Skipped) {
			t.Errorf("section %s, %q: %v", group.ID(), c.Desc, c.Result.Error)
		}
	}
	for _, sub := range group.Groups {
		report(t, sub, plain)
	}
}

// silence hides what h2spec prints, until the result is called.
func silence(t *testing.T) (restore func()) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = null
	return func() {
		os.Stdout = stdout
		null.Close()
	}
}
