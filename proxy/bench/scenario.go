package main

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// scenario is one kind of load.
type scenario struct {
	name        string
	cores       int  // that the subject may use
	connections int  // of wrk and h2load
	large       bool // bodies of 64 KiB instead of 100 bytes
	tls         bool
	fresh       bool // a new connection for each request
	http2       bool // of clients
	rate        int  // requests a second, evenly; 0 for as many as there can be
	endpoints   endpointKind
	forwarded   bool     // requests have come by HTTPS to another proxy, which is trusted to say so
	subjects    []string // compared with the first of them; all but those with policies if empty

	placement placement // filled in when it is measured
}

func scenarios() []scenario {
	return []scenario{
		{name: "http1/1core/64", cores: 1, connections: 64},
		{name: "http1/1core/8", cores: 1, connections: 8},
		{name: "http1/1core/512", cores: 1, connections: 512},
		{name: "http1/2cores/64", cores: 2, connections: 64},
		{name: "http1/1core/steady", cores: 1, rate: 3000},
		{name: "http1/1core/64KiB", cores: 1, connections: 64, large: true},
		{name: "tls/1core/keep-alive", cores: 1, connections: 64, tls: true},
		{name: "tls/1core/new-connections", cores: 1, connections: 64, tls: true, fresh: true},
		{name: "http2/1core/tls", cores: 1, connections: 8, tls: true, http2: true},
		{name: "http2-endpoints/1core/tls", cores: 1, connections: 8, tls: true, http2: true, endpoints: http2Endpoints},
		{name: "grpc/1core/tls", cores: 1, connections: 8, tls: true, http2: true, endpoints: grpcEndpoints},
		{name: "policies/1core/64", cores: 1, connections: 64, forwarded: true, subjects: []string{"proxy", withPolicies}},
	}
}

// selectScenarios returns those whose names match a regular expression.
func selectScenarios(run string) ([]scenario, error) {
	wanted, err := regexp.Compile(run)
	if err != nil {
		return nil, fmt.Errorf("reading -run: %w", err)
	}
	var selected []scenario
	for _, s := range scenarios() {
		if wanted.MatchString(s.name) {
			selected = append(selected, s)
		}
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("no scenario matches %q", run)
	}
	return selected, nil
}

func findScenario(name string) (scenario, error) {
	for _, s := range scenarios() {
		if s.name == name {
			return s, nil
		}
	}
	return scenario{}, fmt.Errorf("there is no scenario %q", name)
}

// String is the scenario's heading.
func (s scenario) String() string {
	body := "100 B"
	switch {
	case s.large:
		body = "64 KiB"
	case s.endpoints == grpcEndpoints:
		body = fmt.Sprintf("%d B", len(grpcMessage))
	}
	load := fmt.Sprintf("%d connections", s.connections)
	switch {
	case s.rate > 0:
		load = fmt.Sprintf("%d requests a second", s.rate)
	case s.http2:
		load += " with 10 requests each"
	}
	return fmt.Sprintf("%s (%s, body %s, %s)", s.name, load, body, s.placement)
}

// sample is one measurement.
type sample struct {
	perSecond float64       // requests
	cpu       float64       // seconds of the subject for 100,000 requests
	p50, p99  time.Duration // latency

	requests                      int // that succeeded; at least 1
	subject, endpoints, generator waits
}

// load loads a subject.
func (s scenario) load(ctx context.Context, p, endpoints *process, duration time.Duration) (sample, error) {
	before, err := readUse(p, endpoints)
	if err != nil {
		return sample{}, err
	}
	measured, err := s.generate(ctx, p, duration)
	if err != nil {
		return sample{}, err
	}
	after, err := readUse(p, endpoints)
	if err != nil {
		return sample{}, err
	}
	measured.cpu = (after.cpu - before.cpu).Seconds() / float64(measured.requests) * 1e5
	measured.subject = after.subject.since(before.subject)
	measured.endpoints = after.endpoints.since(before.endpoints)
	return measured, nil
}

// use is what was used so far.
type use struct {
	cpu                time.Duration // of the subject
	subject, endpoints threadWaits
}

func readUse(subject, endpoints *process) (use, error) {
	var now use
	var err error
	if now.cpu, err = subject.cpuTime(); err != nil {
		return use{}, err
	}
	if now.subject, err = subject.waits(); err != nil {
		return use{}, err
	}
	now.endpoints, err = endpoints.waits()
	return now, err
}

func (s scenario) url(p *process) string {
	scheme, port, path := "http", p.plain, "/"
	if s.tls {
		scheme, port = "https", p.secure
	}
	switch {
	case s.large:
		path = "/large"
	case s.endpoints == grpcEndpoints:
		path = "/bench.Bench/Unary"
	}
	return fmt.Sprintf("%s://127.0.0.1:%d%s", scheme, port, path)
}

// fields are what clients send besides Host: what a browser does, or a gRPC client.
func (s scenario) fields() []string {
	fields := []string{
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
		"Accept-Language: en-GB,en;q=0.5",
		"Accept-Encoding: gzip, deflate, br",
		"Cookie: session=0123456789abcdef; theme=light",
	}
	if s.endpoints == grpcEndpoints {
		fields = []string{
			"User-Agent: grpc-go/1.83.2", "Content-Type: application/grpc", "TE: trailers", "grpc-timeout: 5S",
			"grpc-accept-encoding: gzip",
		}
	}
	if s.forwarded {
		fields = append(fields, "X-Forwarded-Proto: https")
	}
	return fields
}
