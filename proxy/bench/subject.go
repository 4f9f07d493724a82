package main

import (
	"bytes"
	"context"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/ingress-testbed/testbed/proxy/certs"
)

// subject is a proxy to compare.
type subject struct {
	name   string
	config string // template, if it has a configuration file
	args   func(dir string, ports ports) []string
}

// withPolicies is the name of the proxy with policies on its route, and before that of another version of the proxy.
const (
	withPolicies = "proxy-policies"
	before       = "proxy-before"
)

type ports struct{ Plain, Secure int }

//go:embed nginx.conf.tmpl
var nginxConfig string

//go:embed balancer.lua
var balancerScript []byte

//go:embed haproxy.cfg.tmpl
var haproxyConfig string

//go:embed backend.conf.tmpl
var backendConfig string

func subjects(s scenario, o options) []subject {
	nginx := func(dir string, _ ports) []string {
		return []string{"nginx", "-p", dir, "-c", filepath.Join(dir, "config")}
	}
	serve := func(executable, kind string) func(string, ports) []string {
		return func(dir string, p ports) []string {
			return []string{executable, "-serve", kind, "-scenario", s.name, fmt.Sprint(p.Plain), fmt.Sprint(p.Secure), dir}
		}
	}
	self := func(kind string) func(string, ports) []string {
		executable, _ := os.Executable()
		return serve(executable, kind)
	}
	return []subject{
		{name: "nginx", config: nginxConfig, args: nginx},
		{name: "proxy", args: self("proxy")},
		{name: "nginx-lua", config: nginxConfig, args: nginx},
		{name: "haproxy", config: haproxyConfig, args: func(dir string, _ ports) []string {
			return []string{"haproxy", "-db", "-f", filepath.Join(dir, "config")}
		}},
		{name: "reverseproxy", args: self("reverseproxy")},
		{name: withPolicies, args: self(withPolicies)},
		{name: before, args: serve(o.before, "proxy")},
	}
}

// selectSubjects returns the subjects of a scenario, or of them those that the options name, and the one that all are
// compared with, which comes first.
func selectSubjects(s scenario, o options) []subject {
	compared := s.subjects
	if len(compared) == 0 {
		compared = []string{"nginx", "proxy", "nginx-lua", "haproxy", "reverseproxy"}
	}
	if o.before != "" {
		compared = append(compared, before)
	}
	var selected []subject
	for i, name := range compared {
		if i > 0 && o.subjects != "" && !slices.Contains(strings.Split(o.subjects, ","), name) {
			continue
		}
		for _, subject := range subjects(s, o) {
			if subject.name == name {
				selected = append(selected, subject)
			}
		}
	}
	return selected
}

// settings are what the templates are filled with.
type settings struct {
	Dir      string
	Workers  int
	Lua      bool
	HTTP2    bool // of endpoints
	Ports    ports
	Backends []int
}

// backendPorts are where the three endpoints listen.
//
//nolint:gochecknoglobals // a table that is never changed
var backendPorts = []int{18101, 18102, 18103}

func (s subject) start(ctx context.Context, dir string, sc scenario, port int) (*process, error) {
	own, err := makeDir(dir, s.name)
	if err != nil {
		return nil, err
	}
	with := settings{
		Dir: own, Workers: sc.cores, Lua: s.name == "nginx-lua", HTTP2: sc.endpoints != http1Endpoints, Backends: backendPorts,
		Ports: ports{Plain: port, Secure: port + 1},
	}
	if s.config != "" {
		if err := fill(filepath.Join(own, "config"), s.config, with); err != nil {
			return nil, err
		}
	}
	if with.Lua {
		if err := os.WriteFile(filepath.Join(own, "balancer.lua"), balancerScript, 0o644); err != nil {
			return nil, err
		}
	}
	if sc.endpoints == grpcEndpoints { // for h2load
		if err := os.WriteFile(filepath.Join(own, "message"), []byte(grpcMessage), 0o644); err != nil {
			return nil, err
		}
	}
	p := &process{name: s.name, dir: own, plain: with.Ports.Plain, secure: with.Ports.Secure}
	return startProcess(ctx, p, sc.placement.subject, s.args(own, with.Ports)...)
}

// startBackends runs the three endpoints in one process, which must not be what limits the subjects: nginx for HTTP/1.1,
// serveEndpoints for HTTP/2.
func startBackends(ctx context.Context, dir string, sc scenario) (*process, error) {
	own, err := makeDir(dir, "backend")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(own, "large"), bytes.Repeat([]byte("x"), 64<<10), 0o644); err != nil {
		return nil, err
	}
	if err := fill(filepath.Join(own, "config"), backendConfig, settings{Dir: own, Backends: backendPorts}); err != nil {
		return nil, err
	}
	p := &process{name: "backend", dir: own, plain: backendPorts[0]}
	args := []string{"nginx", "-p", own, "-c", filepath.Join(own, "config")}
	if sc.endpoints != http1Endpoints {
		executable, err := os.Executable()
		if err != nil {
			return nil, err
		}
		args = []string{executable, "-serve", "endpoints", "-scenario", sc.name}
		for _, port := range backendPorts {
			args = append(args, fmt.Sprint(port))
		}
	}
	return startProcess(ctx, p, sc.placement.endpoints, args...)
}

func fill(path, text string, with settings) error {
	var filled bytes.Buffer
	if err := template.Must(template.New("").Parse(text)).Execute(&filled, with); err != nil {
		return err
	}
	return os.WriteFile(path, filled.Bytes(), 0o644)
}

// makeDir makes a directory with a certificate.
func makeDir(parent, name string) (string, error) {
	dir := filepath.Join(parent, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	made, err := certs.SelfSigned("localhost", "localhost")
	if err != nil {
		return "", err
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		return "", err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]})
	return dir, errors.Join(
		os.WriteFile(filepath.Join(dir, "key.pem"), keyPEM, 0o600),
		os.WriteFile(filepath.Join(dir, "chain.pem"), chain, 0o600),
		os.WriteFile(filepath.Join(dir, "both.pem"), append(chain, keyPEM...), 0o600), // as HAProxy wants it
	)
}

func checkPrograms() error {
	packages := map[string]string{
		"nginx": "nginx-core libnginx-mod-http-lua lua-cjson", "haproxy": "haproxy", "wrk": "wrk", "h2load": "nghttp2-client",
		"taskset": "util-linux",
	}
	var missing []string
	for program, name := range packages {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("programs are missing; install them with: apt-get install %s", strings.Join(missing, " "))
	}
	return nil
}
