package config_test

import (
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func TestAccessLog(t *testing.T) {
	for name, c := range map[string]struct {
		data   map[string]string
		want   route.AccessLog
		faults int
	}{
		"the default": {nil, route.AccessLog{}, 0},
		"off":         {map[string]string{"disable-access-log": "true"}, route.AccessLog{Off: true}, 0},
		"all": {
			map[string]string{"log-format-upstream": "$status $http_a", "log-format-escape-json": "true", "skip-access-log-urls": "/healthz, ~^/a"},
			route.AccessLog{Format: "$status $http_a", Escape: route.EscapeJSON, Skip: []string{"/healthz", "~^/a"}}, 0,
		},
		"no escaping": {
			map[string]string{"log-format-upstream": "$status", "log-format-escape-none": "true"},
			route.AccessLog{Format: "$status", Escape: route.EscapeNone}, 0,
		},
		"escaping without a format": {map[string]string{"log-format-escape-json": "true"}, route.AccessLog{}, 0},
		"wrong": {
			map[string]string{"log-format-upstream": "$none", "skip-access-log-urls": "~(,/a", "disable-access-log": "x"},
			route.AccessLog{Skip: []string{"/a"}}, 3,
		},
	} {
		got, faults := config.ParseConfigMap(compatibility.Mend, c.data)
		if !got.AccessLog.Equal(c.want) || len(faults) != c.faults {
			t.Errorf("%s: got %+v, %v", name, got.AccessLog, faults)
		}
	}
	if !parse(t, nil, map[string]string{"enable-access-log": "false"}).NotLogged || parse(t, nil, map[string]string{"enable-access-log": "true"}).NotLogged {
		t.Error("enable-access-log is not read")
	}
}
