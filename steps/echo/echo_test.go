package echo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/echo"
)

// The reader and the server must agree; the server is the real one.
func TestParseResponseOfTheBackend(t *testing.T) {
	server := httptest.NewServer(backends.Echo("pod-a", backends.EchoServerVersion))
	defer server.Close()
	request, err := http.NewRequest(http.MethodPost, server.URL+"/admin?x=1", strings.NewReader("\tone\n\nHostname: two"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header["X-Twice"] = []string{"a=b", "c"}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := echo.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Hostname": "pod-a", "server_version": backends.EchoServerVersion, "client_address": "127.0.0.1", "method": "POST",
		"real path": "/admin?x=1", "query": "x=1", "request_version": "1.1", "request_uri": strings.Replace(server.URL, "localhost", "127.0.0.1", 1) + "/admin?x=1",
		"body": "\tone\n\nHostname: two",
	}
	if diff := cmp.Diff(want, reply.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a=b", "c"}, reply.Headers["x-twice"]); diff != "" {
		t.Errorf("x-twice (-want +got):\n%s", diff)
	}
	if value, ok := reply.Value("X-Twice"); !ok || value != "a=b, c" {
		t.Errorf("X-Twice is %q, %v", value, ok)
	}
	if _, ok := reply.Value("x-missing"); ok {
		t.Error("a header that was not sent has a value")
	}
}

const text = `Hostname: deploy3-adminsrv-7c8f8b8c87-76sjm

Pod Information:
	-no pod information available-

Server values:
	server_version=nginx: 1.13.0 - lua: 10008

Request Information:
	client_address=172.16.0.7
	query=

Request Headers:
	accept=*/*

Request Body:
	-no body in request-
`

func TestParse(t *testing.T) {
	reply, err := echo.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := reply.Fields[echo.RequestBody]; ok {
		t.Error("a request without a body has one")
	}
	if value, ok := reply.Fields["query"]; !ok || value != "" {
		t.Errorf("query is %q, %v; want it there and empty", value, ok)
	}
	for name, broken := range map[string]string{
		"another page":      "<html><title>Welcome to nginx!</title></html>",
		"nothing":           "",
		"no Hostname":       strings.Replace(text, "Hostname", "Host", 1),
		"no client_address": strings.Replace(text, "client_address", "address", 1),
		"no equals sign":    strings.Replace(text, "accept=", "accept ", 1),
		"unknown section":   strings.Replace(text, "Request Headers", "Response Headers", 1),
	} {
		if _, err := echo.Parse(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Add("Hostname: a\nRequest Information:\n\tclient_address=1\nRequest Body:\nx\n")
	f.Fuzz(func(t *testing.T, text string) {
		reply, err := echo.Parse(text)
		if err == nil && (reply.Fields[echo.Hostname] == "" || reply.Fields[echo.ClientAddress] == "") {
			t.Errorf("accepted %q without its names", text)
		}
	})
}
