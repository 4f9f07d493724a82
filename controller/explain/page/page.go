// Package page shows a routing table as a map of hosts, paths and Services, and explains the requests that a user enters.
//
// It changes nothing, but shows the contents of the manifests. It therefore answers only requests whose Host is a loopback
// address, so that other web sites can't read it through their visitors' browsers (DNS rebinding).
package page

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/ingress-testbed/testbed/controller/explain"
	"github.com/ingress-testbed/testbed/proxy/route"
)

//go:embed page.html page.css page.js
var files embed.FS

// Page is an http.Handler. Show must be called before it is used.
type Page struct {
	template *template.Template

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed by the next Show
}

// State is what a page shows.
type State struct {
	// Explainer is nil if there is a Problem.
	Explainer *explain.Explainer
	// Notes are sentences about the manifests.
	Notes []string
	// Problem is why the manifests could not be read; "" if they could.
	Problem string
}

// New makes a page.
func New() (*Page, error) {
	parsed, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the page: %w", err)
	}
	return &Page{template: parsed, changed: make(chan struct{})}, nil
}

// Show replaces what is shown. With a problem the former table stays.
func (p *Page) Show(state State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if state.Explainer == nil {
		state.Explainer = p.state.Explainer
	}
	p.state = state
	close(p.changed)
	p.changed = make(chan struct{})
}

// now returns what is shown, and what is closed when that has changed.
func (p *Page) now() (State, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.changed
}

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	switch {
	case !isLoopback(r.Host):
		http.Error(w, "this page is for 127.0.0.1 and localhost only", http.StatusMisdirectedRequest)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "the page has only GET", http.StatusMethodNotAllowed)
	case r.URL.Path == "/":
		p.page(w, r)
	case r.URL.Path == "/changes":
		p.changes(w, r)
	case r.URL.Path == "/page.css":
		http.ServeFileFS(w, r, files, "page.css")
	case r.URL.Path == "/page.js":
		http.ServeFileFS(w, r, files, "page.js")
	default:
		http.NotFound(w, r)
	}
}

func isLoopback(authority string) bool {
	host := authority
	if name, _, err := net.SplitHostPort(authority); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || strings.EqualFold(host, "localhost")
}

// changes answers when the state has changed.
func (p *Page) changes(w http.ResponseWriter, r *http.Request) {
	_, changed := p.now()
	select {
	case <-changed:
		w.WriteHeader(http.StatusNoContent)
	case <-r.Context().Done():
	}
}

// content is what the template gets.
type content struct {
	State
	Form        form
	Hosts       []host
	Explanation *explain.Explanation
	// Wrong is why the request could not be explained.
	Wrong string
}

// form is a request as it was typed.
type form struct {
	URL, Method, Header, Body, User, Client string
	HTTP2                                   bool
}

// Extended reports whether more than method and URL were typed.
func (f form) Extended() bool {
	return f.Header != "" || f.Body != "" || f.User != "" || f.Client != "" || f.HTTP2
}

// Methods are those that the form offers.
func (content) Methods() []string {
	return []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions,
	}
}

type host struct {
	Name  string
	Paths []path
}

type path struct {
	Match, Source, Action string
	// URL is of a request that the path may serve.
	URL      string
	Selected bool
	// Policies are their texts.
	Policies []string
}

func (p *Page) page(w http.ResponseWriter, r *http.Request) {
	shown := content{}
	shown.State, _ = p.now()
	query := r.URL.Query()
	shown.Form = form{
		URL: query.Get("url"), Method: query.Get("method"), Header: query.Get("header"), Body: query.Get("body"),
		User: query.Get("user"), Client: query.Get("client"), HTTP2: query.Get("http2") != "",
	}
	if shown.Form.URL != "" && shown.Explainer != nil {
		var err error
		if shown.Explanation, err = shown.explain(r); err != nil {
			shown.Wrong = err.Error()
		}
	}
	if shown.Explainer != nil {
		shown.Hosts = hosts(shown.Explainer.Table(), shown.Explanation)
	}
	var rendered bytes.Buffer
	if err := p.template.Execute(&rendered, shown); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(rendered.Bytes()) // the browser has gone otherwise
}

func (c *content) explain(r *http.Request) (*explain.Explanation, error) {
	flags := explain.Flags{Method: c.Form.Method, User: c.Form.User, Client: strings.TrimSpace(c.Form.Client), HTTP2: c.Form.HTTP2}
	for line := range strings.Lines(c.Form.Header) {
		if line = strings.TrimSpace(line); line != "" {
			flags.Headers = append(flags.Headers, line)
		}
	}
	if c.Form.Body != "" {
		flags.Data = []string{c.Form.Body}
	}
	request, err := explain.NewRequest(strings.TrimSpace(c.Form.URL), flags)
	if err != nil {
		return nil, err
	}
	return c.Explainer.Explain(r.Context(), request)
}

// hosts describes a table, and marks the path that serves the explained request.
func hosts(table *route.Table, explained *explain.Explanation) []host {
	selected := ""
	if explained != nil {
		for _, path := range explained.Paths {
			if path.Selected {
				selected = path.Match
			}
		}
	}
	var all []host
	for _, h := range table.Hosts {
		shown := host{Name: cmp.Or(h.Name, "every other host")}
		for i := range h.Routes {
			r := &h.Routes[i]
			made := path{
				Match: r.Match.Text(), Source: explain.Source(r.Source), Action: explain.Action(r), URL: exampleURL(table, h.Name, r.Match),
				Selected: selected != "" && explained.Server.Name == h.Name && selected == r.Match.Text(),
			}
			for _, p := range r.Policies {
				made.Policies = append(made.Policies, p.Text())
			}
			shown.Paths = append(shown.Paths, made)
		}
		slices.SortStableFunc(shown.Paths, func(a, b path) int { return cmp.Compare(a.Match, b.Match) })
		all = append(all, shown)
	}
	return all
}

// exampleURL is a URL that a path may serve. Of regular expressions it has the beginning that has no special character.
func exampleURL(table *route.Table, name string, m route.Match) string {
	scheme := "http"
	if slices.ContainsFunc(table.Certificates, func(c route.Certificate) bool { return slices.Contains(c.Hosts, name) }) {
		scheme = "https"
	}
	if rest, wildcard := strings.CutPrefix(name, "*"); wildcard {
		name = "any" + rest
	}
	path := m.Path.Value
	if end := strings.IndexAny(path, `\.+*?()|[]{}^$`); m.Path.Kind == route.Regex && end >= 0 {
		path = path[:end]
	}
	return scheme + "://" + cmp.Or(name, "other.test") + cmp.Or(path, "/")
}
