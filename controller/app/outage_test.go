package app

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

// away is an API server that can't be reached for some attempts.
type away struct{ attempts, until int }

func (a *away) RoundTrip(*http.Request) (*http.Response, error) {
	if a.attempts++; a.attempts <= a.until {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK}, nil
}

func TestInformersWaitForTheAPIServer(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, tc := range map[string]struct {
		ctx           context.Context
		method, query string
		until         int
		attempts      int
		fails         bool
	}{
		"watch":           {context.Background(), http.MethodGet, "watch=true&resourceVersion=7", 20, 21, false},
		"list":            {context.Background(), http.MethodGet, "limit=500&resourceVersion=0", 3, 4, false},
		"away for long":   {context.Background(), http.MethodGet, "watch=true", 1000, 31, true},
		"no informer":     {context.Background(), http.MethodGet, "", 3, 1, true},
		"change":          {context.Background(), http.MethodPatch, "resourceVersion=0", 3, 1, true},
		"after the end":   {cancelled, http.MethodGet, "watch=true", 3, 1, true},
		"reached at once": {context.Background(), http.MethodGet, "watch=true", 0, 1, false},
	} {
		server := &away{until: tc.until}
		request, err := http.NewRequestWithContext(tc.ctx, tc.method, "https://api/apis/networking.k8s.io/v1/ingresses?"+tc.query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := outages{server, &stepping{testclock.NewFakeClock(time.Now())}}.RoundTrip(request)
		if (err != nil) != tc.fails || server.attempts != tc.attempts || (response != nil) == tc.fails {
			t.Errorf("%s: %d attempts, %v, %v", name, server.attempts, response, err)
		}
	}
}

// stepping is a clock whose time passes when something waits for it.
type stepping struct{ *testclock.FakeClock }

func (s *stepping) After(d time.Duration) <-chan time.Time {
	after := s.FakeClock.After(d)
	s.Step(d)
	return after
}
