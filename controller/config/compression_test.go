package config_test

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
)

func TestCompression(t *testing.T) {
	parse := func(data map[string]string) (config.Global, int) {
		global, faults := config.ParseConfigMap(compatibility.Mend, data)
		return global, len(faults)
	}
	if got, _ := parse(map[string]string{"gzip-level": "5"}); got.Compression.Level != 0 {
		t.Errorf("without use-gzip: got %+v", got.Compression)
	}
	got, _ := parse(map[string]string{"use-gzip": "true"})
	if c := got.Compression; c.Level != 1 || c.MinLength != 256 || !slices.Contains(c.Types, "application/json") || !slices.Contains(c.Types, "text/html") {
		t.Errorf("by default: got %+v", c)
	}
	got, faults := parse(map[string]string{"use-gzip": "true", "gzip-level": "9", "gzip-min-length": "0", "gzip-types": "Text/CSS  a/b"})
	if c := got.Compression; faults > 0 || c.Level != 9 || c.MinLength != 0 || !slices.Equal(c.Types, []string{"text/css", "a/b", "text/html"}) {
		t.Errorf("got %+v", c)
	}
	for key, value := range map[string]string{"gzip-level": "10", "gzip-min-length": "-1", "gzip-types": "css", "use-gzip": "yes"} {
		if _, faults := parse(map[string]string{key: value}); faults != 1 {
			t.Errorf("%s=%s: %d faults", key, value, faults)
		}
	}
}

func TestReplyRates(t *testing.T) {
	settings := map[string]string{"limit-rate": "10", "limit-rate-after": "1"}
	for _, c := range []struct {
		annotations map[string]string
		rate, after int64
	}{
		{nil, 10 << 10, 1 << 10}, {map[string]string{"limit-rate": "0"}, 0, 1 << 10},
		{map[string]string{"limit-rate": "5", "limit-rate-after": "7"}, 5 << 10, 7 << 10},
	} {
		if got := parse(t, settings, c.annotations).Limits; got.ReplyRate != c.rate || got.ReplyRateAfter != c.after {
			t.Errorf("%v: got %d after %d", c.annotations, got.ReplyRate, got.ReplyRateAfter)
		}
	}
}
