package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadConfigRefusesWhatItDoesNotKnow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("name: lab\nnetwork:\n  lan: 10.1.0.0/24\n  nodes:\n  - {name: a, address: 10.1.0.5}\n")
	config, err := ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if config, err = config.WithDefaults(); err != nil {
		t.Fatal(err)
	}
	if got := config.Network.Router().String(); config.Name != "lab" || got != "10.1.0.1" || len(config.Network.Nodes) != 1 {
		t.Errorf("name %q, router %s, nodes %v", config.Name, got, config.Network.Nodes)
	}
	write("nodes: 3\n")
	if _, err := ReadConfig(path); err == nil || !strings.Contains(err.Error(), "nodes") {
		t.Errorf("an unknown field: %v", err)
	}
}

func TestNamesAreChecked(t *testing.T) {
	for _, name := range []string{"Über", "a b", "../x", "-a", strings.Repeat("a", 41)} {
		if _, err := (Config{Name: name}).WithDefaults(); err == nil {
			t.Errorf("name %q is taken", name)
		}
	}
}

func TestAClaimedNameIsTakenUntilReleased(t *testing.T) {
	first, err := lockName("claim-test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockName("claim-test"); err == nil || !strings.Contains(err.Error(), "testbed down --name claim-test") {
		t.Errorf("second claim: %v", err)
	}
	if _, err := Find(t.Context(), "claim-test"); err == nil || !strings.Contains(err.Error(), "still starting") {
		t.Errorf("found before it is ready: %v", err)
	}
	first.announce(Running{Name: "claim-test", PID: 42})
	running, err := Find(t.Context(), "claim-test")
	if err != nil || running.PID != 42 || running.Supervisor != os.Getpid() {
		t.Errorf("found %+v, %v", running, err)
	}
	first.release()
	second, err := lockName("claim-test")
	if err != nil {
		t.Fatalf("claim after release: %v", err)
	}
	second.release()
}

func TestATakenPortSaysSo(t *testing.T) {
	first, err := listenForAPI(0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	if _, err := listenForAPI(first.address().Port()); err == nil || !strings.Contains(err.Error(), "--api-port") {
		t.Errorf("got %v", err)
	}
}

func TestChooseVersion(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"v1.36.3", "v1.37.2", "v1.9.11", "readme"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ wanted, want, err string }{
		{"", "v1.37.2", ""},
		{"1.36", "v1.36.3", ""},
		{"v1.36.3", "v1.36.3", ""},
		{"1.3", "", "available: 1.37.2, 1.36.3, 1.9.11"},
		{"latest", "", "available"},
	} {
		got, err := chooseVersion(dir, tc.wanted)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("chooseVersion(%q) = %q, %v; want %q, %q", tc.wanted, got, err, tc.want, tc.err)
		}
	}
	if _, err := chooseVersion(filepath.Join(dir, "nowhere"), ""); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("nothing built: %v", err)
	}
}

func TestAKernelThatRefusesNamespacesGetsARemedy(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSPC} {
		err := explainNamespaces(&os.PathError{Op: "fork/exec", Path: "testbed", Err: errno})
		if !strings.Contains(err.Error(), "namespaces") {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if err := explainNamespaces(os.ErrNotExist); strings.Contains(err.Error(), "namespaces") {
		t.Errorf("a missing file: %v", err)
	}
}
