package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func gather(t *testing.T, c *Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				if l.GetName() == "host" || l.GetName() == "code" {
					labels = append(labels, l.GetValue())
				}
			}
			name := strings.TrimPrefix(family.GetName(), "testbed_proxy_") + " " + strings.Join(labels, " ")
			values[name] += m.Counter.GetValue() + m.Gauge.GetValue() + float64(m.Histogram.GetSampleCount())
		}
	}
	return values
}

func TestCountsSurviveTables(t *testing.T) {
	c := NewCollector()
	series := c.Use([]Labels{{Host: "a"}, {Host: "b"}, {Host: "a"}})
	if series[0] != series[2] || series[0] == series[1] {
		t.Fatal("labels don't tell series")
	}
	series[0].Observe(200, time.Millisecond, 1, 10)
	series[0].Observe(218, time.Hour, 0, 0)
	series[0].Observe(-5, 0, 0, 0)
	series[0].Observe(999, 0, 0, 0)
	series[1].Observe(404, time.Second, 0, 0)
	c.Unrouted().Observe(404, time.Second, 0, 0)
	if again := c.Use([]Labels{{Host: "a"}}); again[0] != series[0] {
		t.Error("a series that stays has lost its counts")
	}
	got := gather(t, c)
	for name, want := range map[string]float64{
		"requests_total 200 a": 1, "requests_total 2xx a": 1, "requests_total 1xx a": 1, "requests_total 5xx a": 1,
		"requests_total 404 ": 1, "request_duration_seconds a": 4, "request_body_bytes_total a": 1, "response_body_bytes_total a": 10,
		"client_connections ": 0,
	} {
		if value, has := got[name]; !has || value != want {
			t.Errorf("%s: got %v, want %v", name, value, want)
		}
	}
	if got["requests_total 404 b"] != 0 {
		t.Error("a route that has left is still there")
	}
}

func TestCardinalityIsBounded(t *testing.T) {
	c := NewCollector()
	var labels []Labels
	for i := range MaxSeries + 100 {
		labels = append(labels, Labels{Host: fmt.Sprint(i)})
	}
	for i, series := range c.Use(labels) {
		series.Observe(200, 0, 0, 0)
		for code := 0; i == 0 && code < 1000; code++ {
			series.Observe(code, 0, 0, 0)
		}
	}
	codes := map[string]bool{}
	hosts := 0
	for name := range gather(t, c) {
		if code, is := strings.CutPrefix(name, "requests_total "); is {
			code, _, _ = strings.Cut(code, " ")
			codes[code] = true
		}
		if strings.HasPrefix(name, "request_duration_seconds") {
			hosts++
		}
	}
	if len(codes) > 40 || hosts > MaxSeries+1 {
		t.Errorf("got %d codes and %d series", len(codes), hosts)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	var s Series
	if n := testing.AllocsPerRun(100, func() { s.Observe(200, time.Millisecond, 1, 1) }); n > 0 {
		t.Errorf("got %v allocations", n)
	}
}
