package kubectl_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/steps/kubectl"
)

func TestWords(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
		err  string
	}{
		{`kubectl get svc,ep -n ingress  -o wide`, []string{"kubectl", "get", "svc,ep", "-n", "ingress", "-o", "wide"}, ""},
		{`kubectl patch svc a -p '{"spec":{"externalTrafficPolicy": "Cluster"}}'`,
			[]string{"kubectl", "patch", "svc", "a", "-p", `{"spec":{"externalTrafficPolicy": "Cluster"}}`}, ""},
		{`kubectl get svc -o jsonpath="{.spec.ports[?(@.name==\"a\\b\")]}"`, []string{"kubectl", "get", "svc", "-o", `jsonpath={.spec.ports[?(@.name=="a\b")]}`}, ""},
		{`a '' "" \ b`, []string{"a", "", "", " b"}, ""},
		{``, nil, ""},
		{`kubectl get svc | grep x`, nil, "operator |"},
		{`kubectl get 'svc`, nil, "single quote"},
		{`kubectl get "svc`, nil, "double quote"},
		{`kubectl get \`, nil, "backslash"},
		{`kubectl get $(id)`, nil, "operator $"},
	} {
		got, err := kubectl.Words(test.line)
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: error %v, want %q", test.line, err, test.err)
		}
		if diff := cmp.Diff(test.want, got); test.err == "" && diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.line, diff)
		}
	}
}

const getSvcEp = `NAME                                         TYPE        CLUSTER-IP      EXTERNAL-IP   PORT(S)                      AGE   SELECTOR
service/ingress-nginx-controller             NodePort    10.10.200.211   <none>        80:30080/TCP,443:30443/TCP   77s   app=x
service/kubernetes                           ClusterIP   10.10.200.1                   443/TCP                      77s   <none>

NAME                                           ENDPOINTS                            AGE
endpoints/ingress-nginx-controller             192.168.10.10:443,192.168.10.10:80   77s
`

func TestTables(t *testing.T) {
	tables := kubectl.Tables(getSvcEp)
	if len(tables) != 2 || len(tables[0].Rows) != 2 || len(tables[1].Rows) != 1 {
		t.Fatalf("got %+v, want tables of 2 rows and of 1", tables)
	}
	row := tables[0].Rows[1]
	want := map[string]string{"NAME": "service/kubernetes", "TYPE": "ClusterIP", "CLUSTER-IP": "10.10.200.1", "EXTERNAL-IP": "",
		"PORT(S)": "443/TCP", "AGE": "77s", "SELECTOR": "<none>"}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if got := kubectl.Tables("NAME   NOMINATED NODE   A\nx      y                z\n")[0].Rows[0]["NOMINATED NODE"]; got != "y" {
		t.Errorf("under a heading of two words is %q, want y", got)
	}
	if got := kubectl.Tables(""); len(got) != 0 {
		t.Errorf("nothing gave %+v", got)
	}
}

const describeIngress = `Name:             ingress-1
Labels:           <none>
Rules:
  Host        Path  Backends
  ----        ----  --------
  *           
              /        svc1-web:80 ()
              /guest   svc2-guest:8080 ()
              /admin   svc3-admin:8080 ()
Annotations:  <none>
`

func TestPrints(t *testing.T) {
	for _, test := range []struct {
		name, expected, missing string
	}{
		{"as in the article", "  Host        Path  Backends\n  ----        ----  --------\n  *\n    /   svc1-web:80 ()\n /guest svc2-guest:8080 ()", ""},
		{"with a gap", "Name: ingress-1\n...\nRules:\n...\n/admin svc3-admin:8080 ()\n...", ""},
		{"all", describeIngress, ""},
		{"nothing", "", ""},
		{"another line", "*\n/ svc1-web:81 ()", "/ svc1-web:81 ()"},
		{"not one after the other", "*\n/guest svc2-guest:8080 ()", "/guest svc2-guest:8080 ()"},
		{"wrong order over a gap", "/admin svc3-admin:8080 ()\n...\n/ svc1-web:80 ()", "/ svc1-web:80 ()"},
		{"part of a line", "Name:", "Name:"},
		{"more than there is", "Annotations: <none>\nEvents: <none>", "Events: <none>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			missing, ok := kubectl.Prints(describeIngress, test.expected)
			if ok != (test.missing == "") || missing != test.missing {
				t.Errorf("missing is %q (%v), want %q", missing, ok, test.missing)
			}
		})
	}
}

func TestRun(t *testing.T) {
	script := filepath.Join(t.TempDir(), "fake")
	content := "#!/bin/sh\necho \"$KUBECONFIG:$*\"\ncase $2 in fail) echo broken >&2; exit 3;; hang) exec sleep 60;; flood) exec cat /dev/zero;; cache) echo $KUBECACHEDIR;; esac\n"
	if err := os.WriteFile(script, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	program := kubectl.Program{Command: []string{script, "kubectl"}, Kubeconfig: "/cluster"}
	output, err := program.Run(t.Context(), `kubectl get 'a b'`)
	if err != nil || output.Stdout != "/cluster:kubectl get a b\n" || output.ExitCode != 0 {
		t.Errorf("got %+v and %v", output, err)
	}
	output, err = program.Run(t.Context(), `kubectl fail`)
	if err != nil || output.ExitCode != 3 || output.Stderr != "broken\n" {
		t.Errorf("a command that fails gave %+v and %v", output, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started := time.Now()
	if _, err := program.Run(ctx, `kubectl hang`); err == nil || time.Since(started) > 10*time.Second {
		t.Errorf("a command that hangs gave %v after %s", err, time.Since(started))
	}
	started = time.Now()
	if output, err = program.Run(t.Context(), `kubectl flood`); err == nil || !strings.Contains(err.Error(), "exceeds 16 MiB") || time.Since(started) > 20*time.Second {
		t.Errorf("a command that never stops printing gave %d bytes and %v after %s", len(output.Stdout), err, time.Since(started))
	}
	program.CacheDir = "/cache"
	if output, err = program.Run(t.Context(), `kubectl cache`); err != nil || !strings.HasSuffix(output.Stdout, "\n/cache\n") {
		t.Errorf("with a folder for its cache, kubectl saw %+v and %v", output, err)
	}
	for _, line := range []string{"ls", "kubectl", "", "kubectl 'x"} {
		if _, err := program.Run(t.Context(), line); err == nil {
			t.Errorf("%q was run", line)
		}
	}
	if _, err := (kubectl.Program{}).Run(t.Context(), "kubectl get svc"); err == nil {
		t.Error("no program is no error")
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`kubectl get svc -o jsonpath='{.spec.ports[0].nodePort}'`)
	f.Add(`a "b\"c" d\ e`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := kubectl.Words(line)
		if err == nil && len(strings.Join(words, "")) > len(line) {
			t.Errorf("%q became longer: %q", line, words)
		}
	})
}

func FuzzPrinted(f *testing.F) {
	f.Add(getSvcEp, "...\nNAME")
	f.Add(describeIngress, "Rules:\n...\n/admin svc3-admin:8080 ()")
	f.Fuzz(func(t *testing.T, output, expected string) {
		kubectl.Tables(output)
		kubectl.Prints(output, expected)
		if _, ok := kubectl.Prints(output, output); !ok && !strings.Contains(output, "...") {
			t.Errorf("%q doesn't print itself", output)
		}
	})
}
