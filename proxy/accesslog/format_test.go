package accesslog

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/proxy/message"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// upstreamInfo is the default format of ingress-nginx.
const upstreamInfo = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" ` +
	`$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length ` +
	`$upstream_response_time $upstream_status $req_id`

func newEntry(t testing.TB, lines ...string) *Entry {
	t.Helper()
	request := new(message.Request)
	if err := request.Parse([]byte("GET /a%20b?c=d&e=f HTTP/1.1\r\n"+strings.Join(append(lines, "", ""), "\r\n")), 100); err != nil {
		t.Fatal(err)
	}
	return &Entry{
		Time: time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC), Duration: 1234 * time.Millisecond, Client: netip.MustParseAddr("10.0.0.1"),
		Scheme: "http", Protocol: "HTTP/1.1", Method: "GET", Host: "Shop.Example:81", Path: "/a b", Query: "c=d&e=f", Status: 200, BytesOut: 5,
		Upstream: "default-web-80", Endpoint: "10.0.0.2:80", Attempts: 1, UpstreamTime: 7 * time.Millisecond, RequestID: "id",
		Namespace: "default", Ingress: "shop", Service: "web", ServicePort: "80", Request: request,
	}
}

func TestFormat(t *testing.T) {
	entry := newEntry(t, "Host: Shop.Example:81", `User-Agent: a"b\`, "Authorization: Basic YWxpY2U6c2VjcmV0", "X-User-Name: é", "Cookie: k=v")
	for format, want := range map[string]string{
		upstreamInfo: `10.0.0.1 - alice [01/Mar/2026:12:00:00 +0000] "GET /a%20b?c=d&e=f HTTP/1.1" 200 5 "-" "a\x22b\x5C" 141 1.234 ` +
			`[default-web-80] [-] 10.0.0.2:80 5 0.007 200 id`,
		"plain": "plain", "${status}x$status": "200x200", "$time_iso8601 $msec": "2026-03-01T12:00:00+00:00 1772366400.005",
		"$request_uri|$uri|$args|$query_string|$is_args": "/a%20b?c=d&e=f|/a b|c=d&e=f|c=d&e=f|?", "$host $http_host $scheme": "shop.example Shop.Example:81 http",
		"$namespace/$ingress_name/$service_name:$service_port": "default/shop/web:80", "$http_x_user_name": `\xC3\xA9`, "$http_none": "-",
		"$cookie_k$cookie_none": "v-", "$arg_e$arg_c$arg_x": "fd-", "$server_protocol $request_method": "HTTP/1.1 GET",
	} {
		f, err := ParseFormat(format, route.EscapeDefault)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if got := string(f.append([]byte("before "), entry)); got != "before "+want+"\n" {
			t.Errorf("%s:\ngot  %swant before %s", format, got, want)
		}
	}
	for _, format := range []string{"$", "$unknown", "${", "$http_", "$upstream_cache_status"} {
		if _, err := ParseFormat(format, route.EscapeDefault); err == nil {
			t.Errorf("%q is accepted", format)
		}
	}
	local := newEntry(t, "Host: h")
	local.Endpoint = ""
	f, _ := ParseFormat("$upstream_addr $upstream_status $upstream_response_time $remote_user", route.EscapeDefault)
	if got := string(f.append(nil, local)); got != "- - - -\n" {
		t.Errorf("without an endpoint: got %q", got)
	}
}

func TestEscapes(t *testing.T) {
	entry := &Entry{UserAgent: "x", Host: "a\"\\\t\x01\r\né", Status: 200}
	for escape, want := range map[route.Escape]string{
		route.EscapeDefault: `a\x22\x5C\x09\x01\x0D\x0A\xC3\xA9`, route.EscapeJSON: `a\"\\\t\u0001\r\n` + "é", route.EscapeNone: "a\"\\\t\x01\r é",
	} {
		f, err := ParseFormat("$http_host", escape)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(f.append(nil, entry)); got != want+"\n" {
			t.Errorf("%d: got %q, want %q", escape, got, want)
		}
	}
	f, _ := ParseFormat("$request_uri", route.EscapeJSON)
	if got := string(f.append(nil, entry)); got != "\n" {
		t.Errorf("an empty value in JSON: got %q", got)
	}
}

// FuzzFormat checks that whatever a client sends stays within its value, on one line.
func FuzzFormat(f *testing.F) {
	f.Add("\"\\\n\x00\x7f\xff\u2028é")
	format, err := ParseFormat(`{"host":"$http_host","args":"$args"}`, route.EscapeJSON)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := format.append(nil, &Entry{Host: text, Query: text})
		if strings.Count(string(line), "\n") != 1 || !json.Valid(line) {
			t.Errorf("%q becomes %q", text, line)
		}
	})
}

func FuzzParseFormat(f *testing.F) {
	f.Add(upstreamInfo)
	f.Fuzz(func(_ *testing.T, text string) {
		if format, err := ParseFormat(text, route.EscapeDefault); err == nil {
			format.append(nil, &Entry{})
		}
	})
}

func TestRules(t *testing.T) {
	if rules, problems := Compile(route.AccessLog{}); rules != nil || len(problems) > 0 || !rules.Logs("/", "", false) {
		t.Errorf("without settings: got %+v, %v", rules, problems)
	}
	rules, problems := Compile(route.AccessLog{Skip: []string{"/healthz", "~^/metrics", "~*\\.PNG$", "~("}, Format: "$none"})
	if len(problems) != 2 {
		t.Errorf("got %v", problems)
	}
	for target, want := range map[string]bool{
		"/healthz": false, "/HealthZ": false, "/healthz?a": true, "/healthz/": true, "/metrics/a?b": false, "/Metrics": true, "/a.png": false, "/": true,
	} {
		path, query, has := strings.Cut(target, "?")
		if got := rules.Logs(path, query, has); got != want {
			t.Errorf("%s: logged is %t", target, got)
		}
	}
	if rules.lineFormat() != nil {
		t.Error("a format that is wrong is used")
	}
	off, _ := Compile(route.AccessLog{Off: true})
	if off.Logs("/", "", false) {
		t.Error("a log that is off logs")
	}
}

func TestFormatAllocatesNothing(t *testing.T) {
	format, err := ParseFormat(upstreamInfo, route.EscapeDefault)
	if err != nil {
		t.Fatal(err)
	}
	entry := newEntry(t, "Host: h", `User-Agent: a"b`)
	w, rules := NewWriter(io.Discard, slog.New(slog.DiscardHandler)), &Rules{format: format}
	if got := testing.AllocsPerRun(100, func() {
		onStack := *entry
		w.Write(rules, &onStack)
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}
