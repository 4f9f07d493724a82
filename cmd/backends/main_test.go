package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestEachServerAnswersUntilItIsStopped(t *testing.T) {
	cases := map[string]struct {
		arguments []string
		contains  string
	}{
		"web":          {[]string{"web"}, "<title>Welcome to nginx!</title>"},
		"guest":        {[]string{"guest", "--hostname", "pod-a"}, "Running on: pod-a | v=1\n"},
		"newer guest":  {[]string{"guest", "--version", "2"}, "| v=2\n"},
		"echo":         {[]string{"echo", "--hostname", "pod-a"}, "Hostname: pod-a\n"},
		"echo version": {[]string{"echo", "--server-version", "nginx: 1.13.1"}, "server_version=nginx: 1.13.1\n"},
		"probe":        {[]string{"probe", "--hostname", "pod-a"}, "pod-a\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			reader, writer := io.Pipe()
			root := command()
			root.SetArgs(append(c.arguments, "--port", "0"))
			root.SetOut(writer)
			result := make(chan error, 1)
			go func() { result <- root.ExecuteContext(ctx) }()

			line, err := bufio.NewReader(reader).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			port := line[strings.LastIndexByte(line, ':')+1:]
			response, err := http.Get("http://127.0.0.1:" + strings.TrimSpace(port))
			if err != nil {
				t.Fatalf("after %q: %v", line, err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil || !strings.Contains(string(body), c.contains) {
				t.Errorf("body lacks %q (error %v): %s", c.contains, err, body)
			}
			cancel()
			if err := <-result; err != nil {
				t.Errorf("after being stopped: %v", err)
			}
		})
	}
}

func TestDefaultPorts(t *testing.T) {
	want := map[string]string{"web": "80", "guest": "8080", "echo": "8080", "probe": "8080", "extra": "8080", "fastcgi": "8080"}
	for _, sub := range command().Commands() {
		if sub.Name() == "get" || sub.Name() == "standin" { // the client, and the server of many ports
			continue
		}
		if flag := sub.Flags().Lookup("port"); flag == nil || flag.Value.String() != want[sub.Name()] {
			t.Errorf("%s: port flag %v, want %s", sub.Name(), flag, want[sub.Name()])
		}
	}
}

func TestWrongArgumentsAreNamed(t *testing.T) {
	cases := map[string][]string{
		"unknown command":  {"nginx"},
		"unknown flag":     {"web", "--prot", "80"},
		"port of words":    {"web", "--port", "http"},
		"port too high":    {"web", "--port", "65536"},
		"stray argument":   {"web", "80"},
		"unknown duration": {"web", "--grace", "long"},
	}
	for name, arguments := range cases {
		t.Run(name, func(t *testing.T) {
			root := command()
			root.SetArgs(arguments)
			root.SetOut(io.Discard)
			err := root.ExecuteContext(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			offender := arguments[len(arguments)-1]
			if name == "unknown flag" {
				offender = arguments[1]
			}
			if text := err.Error(); !strings.Contains(text, offender) || strings.Contains(strings.TrimSpace(text), "\n") {
				t.Errorf("error %q should be one line that names %q", text, offender)
			}
		})
	}
}
