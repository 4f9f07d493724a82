package replay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/sync/errgroup"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/explain"
	records "github.com/ingress-testbed/testbed/fixtures/record"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// leastExplained is how many requests of the record an explanation can be compared for, in each mode. The others are raw
// bytes, WebSockets, old versions of TLS and what else can't be written with curl's flags.
const leastExplained = 440

// TestExplanations explains the requests of the record. What an explanation says must be what the proxy of the replay has
// answered: the status, the redirect, the backend, and what that has received.
func TestExplanations(t *testing.T) {
	t.Parallel()
	whole, err := record.Read(records.IngressNginx())
	if err != nil {
		t.Fatal(err)
	}
	cases := slices.DeleteFunc(whole.Cases(), func(one *record.Case) bool {
		return !selected(*onlyArea, one.Area) || !selected(*onlyCase, one.Name)
	})
	for _, mode := range []compatibility.Mode{compatibility.IngressNginx, compatibility.Mend} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			target, err := newInProcess(whole, mode)
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var group errgroup.Group
			group.SetLimit(8)
			explained := 0
			for _, one := range cases {
				group.Go(func() error {
					for i := range one.Requests {
						did, err := explainRequest(t, *target, one, i)
						if err != nil {
							return fmt.Errorf("%s, request %d: %w", one.Name, i+1, err)
						}
						if did {
							mu.Lock()
							explained++
							mu.Unlock()
						}
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d requests were explained", explained)
			if *onlyArea == "" && *onlyCase == "" && explained < leastExplained {
				t.Errorf("%d requests were explained, fewer than %d", explained, leastExplained)
			}
		})
	}
}

func newExplainer(store store, network *network) *explain.Explainer {
	handler := func(address netip.AddrPort) http.Handler {
		return network.handlers[network.listeners[address.String()]]
	}
	return explain.New(store, store.settings, explain.Options{
		Refused: func(address netip.AddrPort) bool { return handler(address) == nil },
		Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler(r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).AddrPort()).ServeHTTP(w, r)
		}),
	})
}

// explainRequest compares the explanation of a request with its answer. The proxy of the replay has answered no other request
// before, because limits, caches and turns would remember it.
func explainRequest(t *testing.T, target inProcess, one *record.Case, index int) (explained bool, err error) {
	t.Helper()
	if _, ok := explainable(one.Requests[index]); !ok {
		return false, nil
	}
	var explainer *explain.Explainer
	deployments := map[string]string{}
	target.began = func(store store, network *network) {
		explainer, deployments = newExplainer(store, network), network.deployments
	}
	session, err := target.Begin(t.Context(), one)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, session.End(context.WithoutCancel(t.Context()))) }()
	bound, err := session.Bindings.Request(one.Requests[index])
	if err != nil {
		return false, err
	}
	bound.Times, bound.After = 1, 0
	asked, ok := explainable(bound)
	if !ok {
		return false, nil
	}
	exchanges, err := session.Client.Do(t.Context(), bound)
	if err != nil {
		return false, err
	}
	answer := exchanges[0].Answer
	if answer.Error != "" {
		return false, nil
	}
	x, err := explainer.Explain(t.Context(), asked)
	if err != nil {
		return false, err
	}
	for _, difference := range contradictions(x, answer, deployments) {
		t.Errorf("%s, request %d, %s: %s", one.Name, index+1, asked.URL, difference)
	}
	return true, nil
}

// explainable is a request as curl's flags write it; ok is false if they can't.
func explainable(r record.Request) (asked explain.Request, ok bool) {
	if r.Raw != "" || len(r.OnlyHeaders) > 0 || r.Version != "" || r.ServerName != "" || r.Port != "" || r.MaxTLS != "" ||
		!isMethod(r.Method) || r.ClientCertificate != "" || r.WebSocket != "" || r.Host == "" || !strings.HasPrefix(r.Target, "/") || strings.HasPrefix(r.Target, "//") {
		return asked, false
	}
	scheme := "http"
	if r.HTTPS {
		scheme = "https"
	}
	parsed, err := url.Parse(scheme + "://" + r.Host + r.Target)
	if err != nil || parsed.RequestURI() != r.Target || parsed.Host != r.Host {
		return asked, false
	}
	asked = explain.Request{
		Method: r.Method, URL: parsed, HTTP2: r.HTTP2, Client: netip.MustParseAddr(clientAddress),
		Header: []explain.Field{{Name: "User-Agent", Value: "probe"}}, Body: []byte(r.Body),
	}
	if asked.Method == "" {
		asked.Method = http.MethodGet
	}
	if r.BodyBytes > 0 {
		asked.Body = make([]byte, r.BodyBytes)
	}
	for _, line := range r.Headers {
		name, value, found := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "connection", "upgrade", "transfer-encoding", "content-length", "expect", "te", "trailer", "host": // the client's own
			return asked, false
		}
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return asked, false
		}
		asked.Header = append(asked.Header, explain.Field{Name: name, Value: value})
	}
	return asked, true
}

// contradictions are the differences between an explanation and an answer. deployments are those of the addresses of Pods.
func contradictions(x *explain.Explanation, answer record.Answer, deployments map[string]string) []string {
	var all []string
	add := func(what string, explained, answered any) {
		if explained != answered {
			all = append(all, fmt.Sprintf("%s: %v is explained, and %v was answered", what, explained, answered))
		}
	}
	add("status", x.Answer.Status, answer.Status)
	var location string
	for _, field := range x.Answer.Header {
		if field.Name == "Location" {
			location = field.Value
		}
	}
	add("Location", location, strings.Join(answer.Headers["Location"], ", "))
	byChance := x.Backend != nil && len(x.Backend.Odds) > 1
	sent, by := x.Sent, "backend"
	for i := range x.Calls {
		if x.Calls[i].For == explain.ForErrorPage {
			sent, by = &x.Calls[i], "error backend"
		}
	}
	if answer.Backend != "" && sent != nil && !byChance {
		add("answered by", x.Answer.By, by)
		add("backend", deployments[sent.To], answer.Backend)
	}
	if answer.Saw != nil && sent != nil && !byChance {
		method, rest, _ := strings.Cut(sent.Line, " ")
		target, _, _ := strings.Cut(rest, " ")
		if answer.Saw.Method != "" {
			add("method", method, answer.Saw.Method)
		}
		if answer.Saw.Target != "" {
			add("target", target, answer.Saw.Target)
		}
	}
	if answer.Saw != nil && sent == nil {
		all = append(all, "a backend has got the request, and the explanation says none has")
	}
	selected := slices.ContainsFunc(x.Paths, func(p explain.Path) bool { return p.Selected })
	if selected != (x.Backend != nil || len(x.Policies) > 0) && x.Answer.Status != 404 {
		all = append(all, "the selected path contradicts its policies and backend")
	}
	return all
}

// isMethod reports whether net/http sends a method.
func isMethod(method string) bool {
	return httpguts.ValidHeaderFieldName(method) && method != "CONNECT" || method == ""
}
