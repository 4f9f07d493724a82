//go:build linux

package probe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func portOf(t *testing.T, address string) int32 {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

func TestHTTP(t *testing.T) {
	var seen *http.Request
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(_ http.ResponseWriter, r *http.Request) { seen = r })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.Handle("/moved", http.RedirectHandler("/broken", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler("http://elsewhere.invalid/", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	plain := httptest.NewServer(mux)
	defer plain.Close()
	secure := httptest.NewTLSServer(mux)
	defer secure.Close()
	port := portOf(t, plain.Listener.Addr().String())
	target := Target{Host: "127.0.0.1", Container: &corev1.Container{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: port}}}}
	cases := []struct {
		name   string
		action corev1.HTTPGetAction
		want   string // part of the error, or nothing
	}{
		{"ok", corev1.HTTPGetAction{Path: "/ok", Port: intstr.FromInt32(port)}, ""},
		{"port by name", corev1.HTTPGetAction{Path: "/ok?a=b", Port: intstr.FromString("http")}, ""},
		{"no such name", corev1.HTTPGetAction{Path: "/ok", Port: intstr.FromString("none")}, `no port named "none"`},
		{"error status", corev1.HTTPGetAction{Path: "/broken", Port: intstr.FromInt32(port)}, "HTTP probe failed with statuscode: 503"},
		{"redirect to a failure", corev1.HTTPGetAction{Path: "/moved", Port: intstr.FromInt32(port)}, "503"},
		{"redirect to another host", corev1.HTTPGetAction{Path: "/away", Port: intstr.FromInt32(port)}, ""},
		{"redirects without end", corev1.HTTPGetAction{Path: "/round", Port: intstr.FromInt32(port)}, "10 redirects"},
		{"too slow", corev1.HTTPGetAction{Path: "/slow", Port: intstr.FromInt32(port)}, "deadline exceeded"},
		{"TLS with any certificate", corev1.HTTPGetAction{Scheme: corev1.URISchemeHTTPS, Path: "/ok", Port: intstr.FromInt32(portOf(t, secure.Listener.Addr().String()))}, ""},
		{"no listener", corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(1)}, "refused"},
		{"bad path", corev1.HTTPGetAction{Path: "/%zz", Port: intstr.FromInt32(port)}, "path of httpGet"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := Once(context.Background(), &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &c.action}}, target)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	warnings := ""
	warned := target
	warned.Warn = func(warning string) { warnings += warning }
	for _, path := range []string{"/ok", "/moved", "/away"} {
		action := corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port)}
		Once(context.Background(), &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &action}}, warned)
	}
	if !strings.HasPrefix(warnings, "Probe terminated redirects, Response body: ") || strings.Count(warnings, "Probe") != 1 {
		t.Errorf("warnings %q", warnings)
	}
	headers := corev1.HTTPGetAction{Path: "/ok", Port: intstr.FromInt32(port), HTTPHeaders: []corev1.HTTPHeader{
		{Name: "host", Value: "gyull.com"}, {Name: "user-agent", Value: "me"}, {Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"},
	}}
	if err := Once(context.Background(), &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &headers}}, target); err != nil {
		t.Fatal(err)
	}
	if seen.Host != "gyull.com" || seen.UserAgent() != "me" || len(seen.Header["X-A"]) != 2 {
		t.Errorf("the server saw %q, %q, %q", seen.Host, seen.UserAgent(), seen.Header["X-A"])
	}
}

func TestTCP(t *testing.T) {
	server := httptest.NewServer(nil)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	p := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt(port)}}}
	target := Target{Host: "127.0.0.1", Container: &corev1.Container{}}
	if err := Once(context.Background(), p, target); err != nil {
		t.Error(err)
	}
	server.Close()
	if err := Once(context.Background(), p, target); err == nil {
		t.Error("a closed port passes")
	}
}

func TestGRPC(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	states := health.NewServer()
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, states)
	go server.Serve(listener)
	defer server.Stop()
	port := portOf(t, listener.Addr().String())
	service := "shop"
	target := Target{Host: "127.0.0.1"}
	check := func(s *string) error {
		return Once(context.Background(), &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: port, Service: s}}}, target)
	}
	if err := check(nil); err != nil {
		t.Error(err)
	}
	if err := check(&service); err == nil {
		t.Error("an unknown service passes")
	}
	states.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	if err := check(&service); err == nil || !strings.Contains(err.Error(), "NOT_SERVING") {
		t.Errorf("error %v", err)
	}
	states.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_SERVING)
	if err := check(&service); err != nil {
		t.Error(err)
	}
}

func TestExec(t *testing.T) {
	result := func(code int, err error) Target {
		return Target{Exec: func(context.Context, []string) (int, string, error) { return code, "output", err }}
	}
	p := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"check"}}}}
	if err := Once(context.Background(), p, result(0, nil)); err != nil {
		t.Error(err)
	}
	if err := Once(context.Background(), p, result(3, nil)); err == nil || !strings.Contains(err.Error(), "code 3: output") {
		t.Errorf("error %v", err)
	}
	broken := errors.New("no such program")
	if err := Once(context.Background(), p, result(0, broken)); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if err := Once(context.Background(), &corev1.Probe{}, Target{}); err == nil {
		t.Error("a probe of no kind passes")
	}
}

func TestThresholds(t *testing.T) {
	fail := errors.New("no")
	cases := []struct {
		name             string
		success, failure int
		results          string // p passes, f fails
		want             string // H healthy, U unhealthy, - nothing new
	}{
		{"at once", 1, 1, "pf", "HU"},
		{"three failures in a row", 1, 3, "pffpfff", "H--H--U"},
		{"two successes in a row", 2, 1, "pfpp", "-U-H"},
		{"again after a verdict", 1, 2, "ffff", "-U-U"},
		{"no news while all is well", 1, 1, "ppp", "H--"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			count := counter{success: c.success, failure: c.failure}
			got := ""
			for _, r := range c.results {
				var err error
				if r == 'f' {
					err = fail
				}
				switch v, changed := count.count(err); {
				case !changed:
					got += "-"
				case v.Healthy:
					got += "H"
				default:
					got += "U"
				}
			}
			if got != c.want {
				t.Errorf("%s gives %s, want %s", c.results, got, c.want)
			}
		})
	}
}

// watched runs a probe in virtual time, with results that depend on the time since it began.
func watched(t *testing.T, p corev1.Probe, lasts time.Duration, result func(time.Duration) error) (verdicts []string, at []time.Duration, failures int) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), lasts)
		defer cancel()
		began := time.Now()
		var mu sync.Mutex
		run(ctx, &p, func(context.Context) error { return result(time.Since(began)) },
			func(v Verdict) {
				mu.Lock()
				defer mu.Unlock()
				name := "unhealthy"
				if v.Healthy {
					name = "healthy"
				}
				verdicts, at = append(verdicts, name), append(at, time.Since(began))
			}, func(error) { failures++ })
	})
	return verdicts, at, failures
}

func TestFirstSuccessIsSeenSoon(t *testing.T) {
	up := func(after time.Duration) func(time.Duration) error {
		return func(since time.Duration) error {
			if since < after {
				return errors.New("not yet")
			}
			return nil
		}
	}
	verdicts, at, failures := watched(t, corev1.Probe{PeriodSeconds: 10}, time.Minute, up(80*time.Millisecond))
	if len(verdicts) != 1 || verdicts[0] != "healthy" || at[0] > 200*time.Millisecond || failures != 0 {
		t.Errorf("verdicts %q at %s, %d failures: a server that is up after 80 ms should be found at once and quietly", verdicts, at, failures)
	}
	// Failures count by the period however often it is probed.
	verdicts, at, _ = watched(t, corev1.Probe{PeriodSeconds: 1, FailureThreshold: 3}, 5*time.Second, up(time.Hour))
	if len(verdicts) == 0 || verdicts[0] != "unhealthy" || at[0] < 3*time.Second {
		t.Errorf("verdicts %q at %s, want unhealthy after three periods", verdicts, at)
	}
	if _, at, _ = watched(t, corev1.Probe{InitialDelaySeconds: 5}, time.Minute, up(0)); at[0] != 5*time.Second {
		t.Errorf("initialDelaySeconds 5, but the verdict fell at %s", at[0])
	}
}

func TestFailureAfterSuccessTakesItsPeriods(t *testing.T) {
	verdicts, at, failures := watched(t, corev1.Probe{PeriodSeconds: 2, FailureThreshold: 3}, 20*time.Second, func(since time.Duration) error {
		if since >= 5*time.Second && since < 11*time.Second {
			return errors.New("down")
		}
		return nil
	})
	if strings.Join(verdicts, " ") != "healthy unhealthy healthy" || at[1] != 10*time.Second || at[2] != 12*time.Second || failures != 3 {
		t.Errorf("%q at %s with %d failures", verdicts, at, failures)
	}
}
