package config_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestStreamBackends(t *testing.T) {
	service := types.NamespacedName{Namespace: "default", Name: "db"}
	for text, want := range map[string]config.StreamBackend{
		"default/db:5432":             {Service: service, Port: "5432"},
		" default/db:postgres ":       {Service: service, Port: "postgres"},
		"default/db:5432:PROXY":       {Service: service, Port: "5432", AcceptProxy: true},
		"default/db:5432::proxy":      {Service: service, Port: "5432", SendProxy: true},
		"default/db:5432:PROXY:PROXY": {Service: service, Port: "5432", AcceptProxy: true, SendProxy: true},
		"default/db:5432::":           {Service: service, Port: "5432"},
	} {
		if got, err := config.ParseStreamBackend(text); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "db:5432", "default/db", "default/db:", "/db:1", "default/:1", "a/b/c:1", "default/db:1:TLS", "default/db:1:PROXY:no", "default/db:1:::PROXY",
	} {
		if got, err := config.ParseStreamBackend(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func FuzzStreamBackend(f *testing.F) {
	f.Add("default/db:5432:PROXY:PROXY")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := config.ParseStreamBackend(text)
		if err == nil && (got.Service.Namespace == "" || got.Service.Name == "" || got.Port == "") {
			t.Errorf("%q: got %+v", text, got)
		}
	})
}

func TestStreamLimits(t *testing.T) {
	for name, c := range map[string]struct {
		data   map[string]string
		want   route.StreamLimits
		faults int
	}{
		"the defaults": {nil, route.StreamLimits{Idle: 10 * time.Minute, Trying: 10 * time.Minute, Attempts: 3, Responses: 1}, 0},
		"all": {
			map[string]string{
				"proxy-stream-timeout": "90", "proxy-stream-next-upstream-timeout": "500ms", "proxy-stream-next-upstream-tries": "2", "proxy-stream-responses": "0",
			}, route.StreamLimits{Idle: 90 * time.Second, Trying: 500 * time.Millisecond, Attempts: 2}, 0,
		},
		"one attempt": {
			map[string]string{"proxy-stream-next-upstream": "false", "proxy-stream-next-upstream-tries": "5"},
			route.StreamLimits{Idle: 10 * time.Minute, Trying: 10 * time.Minute, Attempts: 1, Responses: 1}, 0,
		},
		"wrong": {
			map[string]string{
				"proxy-stream-timeout": "0", "proxy-stream-next-upstream-timeout": "soon", "proxy-stream-next-upstream-tries": "-1", "proxy-stream-responses": "x",
			}, route.StreamLimits{Idle: 10 * time.Minute, Trying: 10 * time.Minute, Attempts: 3, Responses: 1}, 4,
		},
	} {
		got, faults := config.ParseConfigMap(compatibility.Mend, c.data)
		if got.Streams != c.want || len(faults) != c.faults {
			t.Errorf("%s: got %+v, %v", name, got.Streams, faults)
		}
	}
}
