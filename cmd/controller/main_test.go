package main

import (
	"bytes"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/controller/configdump"
	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// run calls the command as main does.
func run(arguments ...string) (output string, err error) {
	root := command()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(arguments)
	err = root.Execute()
	return out.String(), err
}

func TestWrongArguments(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		parts     []string
	}{
		"unknown flag":       {[]string{"--nope"}, []string{"--nope", "--help"}},
		"unknown command":    {[]string{"start"}, []string{`"start"`, "--help"}},
		"argument":           {[]string{"run", "now"}, []string{`"now"`, "--help"}},
		"no number":          {[]string{"--http-port=web"}, []string{"--http-port", "web"}},
		"no object's name":   {[]string{"--publish-service=controller"}, []string{"--publish-service", "namespace/name"}},
		"too many slashes":   {[]string{"--configmap=a/b/c"}, []string{"--configmap", "namespace/name"}},
		"same port twice":    {[]string{"--http-port=443"}, []string{"--https-port"}},
		"unknown output":     {[]string{"dump", "-o", "xml"}, []string{"xml", "json"}},
		"no controller":      {[]string{"dump", "--status-port", "1"}, []string{"127.0.0.1:1", "--status-port"}},
		"no kubeconfig file": {[]string{"--kubeconfig", "/does/not/exist"}, []string{"/does/not/exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			output, err := run(test.arguments...)
			if err == nil {
				t.Fatalf("no error; it printed %s", output)
			}
			if output != "" || strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one sentence: %q and %q", err, output)
			}
			for _, part := range test.parts {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}

// TestExplain has a controller without Ingresses, and requests that can't be explained.
func TestExplain(t *testing.T) {
	server := httptest.NewServer(explain.Handler(func() *snapshot.Snapshot { return &snapshot.Snapshot{} }))
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	output, err := run("explain", "--status-port", address.Port(), "-H", "Host: shop.test", "--client", "203.0.113.7", "--", "https://127.0.0.1/x")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"GET https://127.0.0.1/x, from 203.0.113.7, in mode mend\n", "none: no rule is for shop.test", "404 by the controller: no route"} {
		if !strings.Contains(output, part) {
			t.Errorf("%q is missing in\n%s", part, output)
		}
	}
	for _, wrong := range [][]string{{"ftp://x"}, {"x", "-H", "y"}} {
		_, err := run(append([]string{"explain", "--status-port", address.Port()}, wrong...)...)
		if err == nil || !strings.Contains(err.Error(), "400 Bad Request: ") {
			t.Errorf("%q: got %v", wrong, err)
		}
	}
}

func TestDump(t *testing.T) {
	server := httptest.NewServer(configdump.Handler(func() configdump.Table {
		return configdump.Of(&route.Table{
			Hosts:     []route.Host{{Name: "a.example.com", Routes: []route.Route{{Match: route.PrefixPath("/"), Action: route.To("web")}}}},
			Upstreams: []route.Upstream{{Name: "web", Endpoints: []route.Endpoint{{Address: netip.MustParseAddrPort("192.0.2.1:80")}}}},
		})
	}))
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for format, part := range map[string]string{"text": "server a.example.com {", "json": `"name": "a.example.com"`} {
		output, err := run("dump", "--status-port", address.Port(), "-o", format)
		if err != nil || !strings.Contains(output, part) || !strings.Contains(output, "192.0.2.1:80") {
			t.Errorf("%s: %v\n%s", format, err, output)
		}
	}
}

func TestVersion(t *testing.T) {
	if output, err := run("version"); err != nil || output != version+"\n" {
		t.Errorf("%q %v", output, err)
	}
}

func TestFlags(t *testing.T) {
	root := command()
	for _, name := range []string{
		"ingress-class", "controller-class", "publish-service", "http-port", "https-port", "healthz-port",
		"validating-webhook", "validating-webhook-certificate", "validating-webhook-key", "election-id", "watch-namespace",
		"update-status", "default-ssl-certificate", "annotations-prefix", "compatibility", "configmap", "v",
	} {
		if root.Flags().Lookup(name) == nil {
			t.Errorf("there is no flag --%s", name)
		}
	}
}
