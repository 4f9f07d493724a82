package config_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/policy"
)

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name                  string
		settings, annotations map[string]string
		want                  policy.Retry
	}{
		{"nothing", nil, nil, policy.Retry{}},
		{"the default", nil, map[string]string{"proxy-next-upstream": "error"}, policy.Retry{}},
		{"off", nil, map[string]string{"proxy-next-upstream": "off"}, policy.Retry{Never: true}},
		{"conditions", nil, map[string]string{"proxy-next-upstream": "error timeout  http_503 http_500 http_503 non_idempotent"},
			policy.Retry{Timeouts: true, Statuses: []int{500, 503}, NonIdempotent: true}},
		{"tries and time", nil, map[string]string{"proxy-next-upstream-tries": "2", "proxy-next-upstream-timeout": "5"},
			policy.Retry{Attempts: 2, Within: 5 * time.Second}},
		{"any number of tries", nil, map[string]string{"proxy-next-upstream-tries": "0"}, policy.Retry{Attempts: math.MaxInt32}},
		{"of the ConfigMap", map[string]string{"proxy-next-upstream": "off", "proxy-next-upstream-tries": "4"},
			map[string]string{"proxy-next-upstream": "timeout"}, policy.Retry{Timeouts: true, Attempts: 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parse(t, c.settings, c.annotations).Retry); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, value := range map[string]string{
		"proxy-next-upstream": "sometimes", "proxy-next-upstream-tries": "-1", "proxy-next-upstream-timeout": "1s", "proxy-send-timeout": "0",
	} {
		global, _ := config.ParseConfigMap(compatibility.Mend, nil)
		if _, faults := config.ParseAnnotations("p", prefixed(map[string]string{name: value}), global); len(faults) != 1 {
			t.Errorf("%s=%q: faults %v", name, value, faults)
		}
	}
	if got := parse(t, nil, map[string]string{"proxy-send-timeout": "7"}).Timeouts.Send; got != 7*time.Second {
		t.Errorf("got %s", got)
	}
}

func TestRetryNonIdempotent(t *testing.T) {
	all := map[string]string{"retry-non-idempotent": "true"}
	for _, c := range []struct {
		settings, annotations map[string]string
		always, timeouts      bool
	}{
		{nil, nil, false, false}, {all, nil, true, true}, {all, map[string]string{"proxy-next-upstream": "http_500"}, true, false},
		{all, map[string]string{"proxy-next-upstream": "off"}, false, false},
		{map[string]string{"retry-non-idempotent": "false"}, map[string]string{"proxy-next-upstream": "timeout"}, false, true},
	} {
		if got := parse(t, c.settings, c.annotations).Retry; got.NonIdempotent != c.always || got.Timeouts != c.timeouts {
			t.Errorf("%v, %v: got %+v", c.settings, c.annotations, got)
		}
	}
}
