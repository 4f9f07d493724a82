package explaining_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/cmd/testbed/explaining"
	"github.com/ingress-testbed/testbed/controller/explain"
)

const shop = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: nginx
  rules:
  - host: shop.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
`

// run runs the command.
func run(ctx context.Context, stdin string, out io.Writer, args ...string) (notes string, err error) {
	var notesText bytes.Buffer
	cmd := explaining.New()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(out)
	cmd.SetErr(&notesText)
	err = cmd.ExecuteContext(ctx)
	return notesText.String(), err
}

func TestOutput(t *testing.T) {
	var text, encoded bytes.Buffer
	notes, err := run(t.Context(), shop, &text, "-f", "-", "shop.test/cart", "--from", "203.0.113.9")
	if err != nil || !strings.Contains(text.String(), "200 by the backend") || !strings.Contains(text.String(), "from 203.0.113.9") {
		t.Errorf("%v\n%s", err, text.String())
	}
	if !strings.Contains(notes, "note: stand-ins for 1 Service that the manifests lack: default/shop\n") {
		t.Errorf("notes: %s", notes)
	}
	if _, err := run(t.Context(), shop, &encoded, "-f", "-", "-o", "json", "other.test"); err != nil {
		t.Fatal(err)
	}
	var x explain.Explanation
	if err := json.Unmarshal(encoded.Bytes(), &x); err != nil || x.Answer.Status != 404 || x.Server.Match != "none" {
		t.Errorf("%v %+v", err, x)
	}
}

// TestMistakes have one sentence each.
func TestMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"name the manifests with -f: a file, a folder, or - for standard input":          {"shop.test"},
		"name the URL of the request, such as https://shop.example.com/cart":             {"-f", "-"},
		"--serve takes no URL: requests are typed in the page":                           {"-f", "x", "--serve", "shop.test"},
		"standard input can't be watched: name files or folders for --watch and --serve": {"-f", "-", "--watch", "shop.test"},
		`--output: "yaml" is not text or json`:                                           {"-f", "-", "-o", "yaml", "shop.test"},
		"--auth-status: 42 is not a status from 200 to 599":                              {"-f", "-", "--auth-status", "42", "shop.test"},
		`--configmap: "x" is not of the form "namespace/name"`:                           {"-f", "-", "--configmap", "x", "shop.test"},
		`--client: "x" is not an IP address`:                                             {"-f", "-", "--client", "x", "shop.test"},
		`--listen: "0.0.0.0:80" is not an address and port of the loopback interface`:    {"-f", "x", "--serve", "--listen", "0.0.0.0:80"},
		"reading manifests: stat missing.yaml: no such file or directory":                {"-f", "missing.yaml", "shop.test"},
		`"maybe"`:                          {"-f", "-", "--compatibility", "maybe", "shop.test"},
		"standard input:1: not valid YAML": {"-f", "-", "shop.test", "--http2"},
	} {
		stdin := shop
		if strings.HasPrefix(want, "standard input:1") {
			stdin = "{"
		}
		_, err := run(t.Context(), stdin, io.Discard, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", args, err, want)
		}
	}
}

// lines passes on what is printed, line by line.
func lines(t *testing.T, args ...string) <-chan string {
	t.Helper()
	from, to := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := run(ctx, "", to, args...)
		ended <- err
		to.Close()
	}()
	printed := make(chan string, 1000)
	go func() {
		defer close(printed)
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			printed <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return printed
}

func waitFor(t *testing.T, printed <-chan string, text string) string {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case line := <-printed:
			if strings.Contains(line, text) {
				return line
			}
		case <-limit:
			t.Fatalf("%q was not printed", text)
		}
	}
}

// TestWatchAndServe change the manifests, and break them in between.
func TestWatchAndServe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.yaml")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(shop)
	watched := lines(t, "-f", file, "--watch", "shop.test")
	waitFor(t, watched, "200 by the backend")
	address := waitFor(t, lines(t, "-f", file, "--serve"), "http://127.0.0.1:")
	read := func(want string) {
		t.Helper()
		limit := time.Now().Add(30 * time.Second)
		for {
			reply, err := http.Get(address + "/?url=shop.test")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(body), want) {
				return
			}
			if time.Now().After(limit) {
				t.Fatalf("%q is missing in\n%s", want, body)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	read("prefix /")
	write("{")
	read("not valid YAML")
	write(strings.ReplaceAll(shop, "shop.test", "new.test"))
	waitFor(t, watched, "404 by the controller")
	read("new.test")
}
