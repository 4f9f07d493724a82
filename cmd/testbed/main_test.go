package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ingress-testbed/testbed/steps/suite"
)

// asProgram makes the test binary run as the program itself.
const asProgram = "TESTBED_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// program runs the program and returns its exit code and what it printed.
func program(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), asProgram+"=1", "CLUSTER=", "TMPDIR="+t.TempDir())
	command.Dir = t.TempDir()
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

func TestExitCodeOfInvalidCommandLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"steps"}, 0, "an ingress controller\n"},
		{[]string{"--help"}, 0, "testbed [command]"},
		{[]string{"walrus"}, 2, "testbed: unknown command \"walrus\" for \"testbed\"; see `testbed --help`; nothing was run\n"},
		{[]string{"kubectrl"}, 2, "testbed: unknown command \"kubectrl\" for \"testbed\"; did you mean kubectl?; see `testbed --help`; nothing was run\n"},
		{[]string{"down", "walrus"}, 2, "unknown command \"walrus\" for \"testbed down\"; see `testbed down --help`; nothing was run\n"},
		{[]string{"shell", "client", "ls", "-l"}, 2, "unknown shorthand flag: 'l' in -l; options of a command to run go after --; see `testbed shell --help`"},
		{[]string{"shell", "client", "router", "--", "ls"}, 2, `["client" "router"] are several machines`},
		{[]string{"kubectl", "--name"}, 2, "flag needs an argument: --name; see `testbed kubectl --help`"},
		{[]string{"kubectl", "--name", "nothing-runs", "--", "get", "pods"}, 1, "nothing-runs"},
		{[]string{"load"}, 2, "requires at least 1 arg"},
		{[]string{"capture"}, 2, "write"},
		{[]string{"run", "--walrus"}, 2, "testbed: unknown flag: --walrus; see `testbed run --help`; nothing was run\n"},
		{[]string{"build-image"}, 2, "accepts 1 arg"},
		{[]string{"build-image", "x"}, 2, `"name" not set`},
		{[]string{"run", "--cluster", "walrus"}, 2, `unknown kind of cluster "walrus"`},
		{[]string{"run", "--ingress-class", "traefik"}, 2, "give both, or neither"},
		{[]string{"run", "--controller-service", "traefik/traefik"}, 2, "give both, or neither"},
		{[]string{"run", "--settle", "5s"}, 2, "give both, or neither"},
		{[]string{"manifests"}, 0, "kind: ValidatingWebhookConfiguration"},
		{[]string{"manifests", "--namespace", "web", "--set", "controller.replicaCount=7,typo=1"}, 0, "replicas: 7"},
		{[]string{"manifests", "--set", "typo=1"}, 0, "no such values: typo"},
		{[]string{"manifests", "-f", "missing.yaml"}, 2, "missing.yaml"},
		{[]string{"install", "--set", "controller.kind=Job"}, 2, "controller.kind: value must be one of 'Deployment', 'DaemonSet'"},
		{[]string{"install", "--name", "nothing-runs"}, 2, `start it with ` + "`testbed up --name nothing-runs`"},
		{[]string{"uninstall", "--cluster", "walrus"}, 2, `unknown kind of cluster "walrus"`},
		{[]string{"up", "--set", "controller.replicaCount=2"}, 2, "need --install"},
		{[]string{"up", "--install", "--set", "controller.kind=Job"}, 2, "controller.kind"},
		{[]string{"run", "--ingress-class", "traefik", "--controller-service", "traefik"}, 2, "NAMESPACE/NAME"},
		{[]string{"run", "--ingress-class", "a", "--controller-service", "a/b", "--settle", "-1s"}, 2, "must not be negative"},
		// An error of a command that has started.
		{[]string{"kubeconfig", "--name", "nobody-has-this"}, 1, "no such cluster is running"},
	} {
		code, printed := program(t, test.args...)
		if code != test.code || !strings.Contains(printed, test.says) {
			t.Errorf("%q ended with %d and printed %q, want %d and %q", test.args, code, printed, test.code, test.says)
		}
	}
}

func TestErrorsEndWithWhatWasDone(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("no route to host"):                                 "no route to host",
		fmt.Errorf("%w: no such step", suite.ErrInput):                 "no such step; nothing was run",
		fmt.Errorf("%w: undefined steps:\n  a\n  b", suite.ErrInput):   "undefined steps:\n  a\n  b\nnothing was run",
		fmt.Errorf("loading: %w", fmt.Errorf("%w: x", suite.ErrInput)): "loading: nothing was run: x",
	} {
		if got := describe(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestHintsNameTheProgramAsItWasCalled(t *testing.T) {
	for program, want := range map[string]string{
		"bin/testbed": "  bin/testbed kubectl --name mine get nodes ", "testbed": "  testbed down --name mine ",
		"/my programs/testbed": "  '/my programs/testbed' shell --name mine client ", "it's/testbed": `  'it'\''s/testbed' down`,
	} {
		var out strings.Builder
		printHints(&out, calledAs(program), "mine")
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: printed %q, want %q", program, out.String(), want)
		}
	}
}

func TestNameInUseIsReportedBeforeStart(t *testing.T) {
	name := fmt.Sprintf("taken-%d", os.Getpid())
	listener, err := net.Listen("unix", fmt.Sprintf("@ingress-testbed/%d/%s", os.Getuid(), name))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("null\n")) // as a cluster that is still starting
			conn.Close()
		}
	}()
	start := time.Now()
	code, printed := program(t, "run", "--name", name)
	if code != 2 || !strings.Contains(printed, name) || !strings.Contains(printed, "still starting") || strings.Contains(printed, "Starting") {
		t.Errorf("ended with %d after %s and printed %q", code, time.Since(start), printed)
	}
}
