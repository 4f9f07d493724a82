package config_test

import (
	"slices"
	"testing"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/config"
	"github.com/ingress-testbed/testbed/proxy/compress"
)

func TestCompression(t *testing.T) {
	parse := func(data map[string]string) (config.Global, int) {
		global, faults := config.ParseConfigMap(compatibility.Mend, data)
		return global, len(faults)
	}
	if got, _ := parse(map[string]string{"gzip-level": "5", "brotli-level": "5"}); len(got.Compression) > 0 {
		t.Errorf("without use-gzip and enable-brotli: got %+v", got.Compression)
	}
	got, _ := parse(map[string]string{"use-gzip": "true", "enable-brotli": "true"})
	if len(got.Compression) != 2 {
		t.Fatalf("got %+v", got.Compression)
	}
	c := got.Compression[1]
	if c.Coding != compress.Gzip || c.Level != 1 || c.MinLength != 256 || !slices.Contains(c.Types, "application/json") || !slices.Contains(c.Types, "text/html") {
		t.Errorf("by default: got %+v", c)
	}
	c = got.Compression[0]
	if c.Coding != compress.Brotli || c.Level != 4 || c.MinLength != 20 || !slices.Contains(c.Types, "application/xml+rss") || !slices.Contains(c.Types, "text/html") {
		t.Errorf("by default: got %+v", c)
	}
	want := compress.Settings{Coding: compress.Gzip, Level: 9, Types: []string{"text/css", "a/b", "text/html"}, Except: "a.*b"}
	got, faults := parse(map[string]string{
		"use-gzip": "true", "gzip-level": "9", "gzip-min-length": "0", "gzip-types": "Text/CSS  a/b", "gzip-disable": "a.*b",
	})
	if faults > 0 || len(got.Compression) != 1 || !got.Compression[0].Equal(want) {
		t.Errorf("got %+v", got.Compression)
	}
	want = compress.Settings{Coding: compress.Brotli, Level: 11, MinLength: 1, Types: []string{"*", "text/html"}}
	got, faults = parse(map[string]string{
		"enable-brotli": "true", "brotli-level": "11", "brotli-min-length": "1", "brotli-types": "*",
	})
	if faults > 0 || len(got.Compression) != 1 || !got.Compression[0].Equal(want) {
		t.Errorf("got %+v", got.Compression)
	}
	if got, _ = parse(map[string]string{"use-gzip": "true", "gzip-disable": "msie6"}); got.Compression[0].Except != `MSIE [4-6]\.` {
		t.Errorf("msie6 is %q", got.Compression[0].Except)
	}
	for key, value := range map[string]string{
		"gzip-level": "10", "gzip-min-length": "-1", "gzip-types": "css", "use-gzip": "yes", "gzip-disable": "(", "enable-brotli": "yes",
		"brotli-level": "12", "brotli-min-length": "-1", "brotli-types": "css",
	} {
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
