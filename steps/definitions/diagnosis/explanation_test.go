package diagnosis

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/steps/client"
)

// TestExplainArguments are read by the controller's own flags, whatever a request has.
func TestExplainArguments(t *testing.T) {
	arguments := explainArguments(client.Exchange{
		Request: client.Request{
			Method: "POST", URL: "https://shop.test/-x?y", Body: "-a=b",
			Header: http.Header{"Host": {"other.test"}, "X-A": {"-1", "b, c"}},
		},
		Local: netip.MustParseAddrPort("203.0.113.7:5000"), Proto: "HTTP/2.0",
	})
	var flags explain.Flags
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Register(set)
	if err := set.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	want := explain.Flags{
		Method: "POST", Headers: []string{"Host: other.test", "X-A: -1", "X-A: b, c"}, Data: []string{"-a=b"}, Client: "203.0.113.7",
		HTTP2: true, PathAsIs: true,
	}
	if diff := cmp.Diff(want, flags); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"https://shop.test/-x?y"}, set.Args()); diff != "" {
		t.Error(diff)
	}
}
