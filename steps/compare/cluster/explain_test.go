package cluster

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/derive"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// The arguments of the controller's command are the request of the probe.
func TestExplained(t *testing.T) {
	t.Parallel()
	probe := &derive.Probe{Request: record.Request{
		Method: "POST", Target: "/a/../b%2Fc?x=1", Host: "shop.test:8443", HTTPS: true, HTTP2: true, Headers: []string{"X-A: 1", "Cookie: a=b"}, BodyBytes: 3,
	}}
	arguments, err := explained(probe, []string{"192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	var flags explain.Flags
	set := pflag.NewFlagSet("explain", pflag.ContinueOnError)
	flags.Register(set)
	if err := set.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	request, err := explain.NewRequest(set.Arg(0), flags)
	if err != nil {
		t.Fatal(err)
	}
	if request.Method != http.MethodPost || request.URL.String() != "https://shop.test:8443/a/../b%2Fc?x=1" || !request.HTTP2 || string(request.Body) != "xxx" ||
		request.Client.String() != "192.0.2.7" || !slices.Contains(request.Header, explain.Field{Name: "X-A", Value: "1"}) ||
		!slices.Contains(request.Header, explain.Field{Name: "Cookie", Value: "a=b"}) {
		t.Errorf("%+v", request)
	}
	for _, unsupported := range []record.Request{
		{Target: "/", Host: "shop.test", BodyBytes: maxExplainedBody + 1},
		{Target: "/", Host: "shop.test", HTTPS: true, ClientCertificate: "client"},
	} {
		if _, err := explained(&derive.Probe{Request: unsupported}, nil); !errors.Is(err, compare.ErrUnsupported) {
			t.Errorf("%+v: %v", unsupported, err)
		}
	}
}
