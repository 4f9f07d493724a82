package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// check makes one request to a subject, and fails if the reply is not the one that is to be measured. The generators
// only count status codes.
func (s scenario) check(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // certificates of the benchmark's own
		Protocols:       new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(!s.http2)
	transport.Protocols.SetHTTP2(s.http2)
	defer transport.CloseIdleConnections()
	method, body := http.MethodGet, ""
	if s.endpoints == grpcEndpoints {
		method, body = http.MethodPost, grpcMessage
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url(p), strings.NewReader(body))
	if err != nil {
		return err
	}
	for _, line := range s.fields() {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	reply, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	got, err := io.ReadAll(reply.Body)
	if err != nil {
		return fmt.Errorf("reading the reply: %w", err)
	}
	want := 100
	switch {
	case s.large:
		want = 64 << 10
	case s.endpoints == grpcEndpoints:
		want = len(grpcMessage)
	}
	_, isHSTS := reply.Header["Strict-Transport-Security"]
	switch status := reply.Trailer.Get("grpc-status"); {
	case reply.StatusCode != http.StatusOK:
		return fmt.Errorf("got %s", reply.Status)
	case len(got) != want:
		return fmt.Errorf("got %d bytes, want %d", len(got), want)
	case s.endpoints == grpcEndpoints && status != "0":
		return fmt.Errorf("got grpc-status %q, want 0", status)
	case isHSTS != (p.name == withPolicies):
		return fmt.Errorf("the reply has a Strict-Transport-Security field: %t", isHSTS)
	}
	return nil
}
