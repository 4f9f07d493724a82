//go:build linux

package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	want := Record{
		Namespace: "shop", Name: "web", UID: "u-1", HostInterface: "veth1", IPs: []netip.Addr{netip.MustParseAddr("172.16.1.3")},
		NetworkNamespace: "/run/x/net",
	}
	if _, err := ReadRecord(dir, "shop", "web"); !errors.Is(err, ErrNoRecord) {
		t.Errorf("before there is one: %v", err)
	}
	if err := writeRecord(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRecord(dir, "shop", "web")
	if err != nil || got.HostInterface != "veth1" || got.IPs[0] != want.IPs[0] || got.NetworkNamespace != want.NetworkNamespace {
		t.Errorf("read %+v, %v", got, err)
	}
	// A Pod of the same name may have come before the old one was taken apart.
	if err := removeRecord(dir, Options{Namespace: "shop", Name: "web", UID: "u-0"}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRecord(dir, "shop", "web"); err != nil {
		t.Errorf("somebody else's record is gone: %v", err)
	}
	if err := removeRecord(dir, Options{Namespace: "shop", Name: "web", UID: "u-1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRecord(dir, "shop", "web"); !errors.Is(err, ErrNoRecord) {
		t.Errorf("after its removal: %v", err)
	}
}

func TestNetworkConfiguration(t *testing.T) {
	const list = `{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge"},{"type":"portmap","capabilities":{"portMappings":true}}]}`
	const single = `{"cniVersion":"1.0.0","name":"one","type":"bridge"}`
	cases := []struct {
		name  string
		files map[string]string
		want  string // the network's name
		err   string
		ports bool
	}{
		{"none", nil, "", "there is no CNI configuration", false},
		{"list", map[string]string{"10-a.conflist": list}, "pods", "", true},
		{"single", map[string]string{"10-a.conf": single}, "one", "", false},
		{"the first by name counts", map[string]string{"20-b.conflist": list, "10-a.conf": single}, "one", "", false},
		{"others are ignored", map[string]string{"README": "x", "10-a.conflist": list}, "pods", "", true},
		{"broken", map[string]string{"10-a.conflist": "{"}, "", "reading CNI configuration", false},
		{"broken single", map[string]string{"10-a.conf": "{"}, "", "reading CNI configuration", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			n := NewNetwork(dir, dir, dir)
			got, err := n.load()
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || n.Ready() == nil {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil || got.Name != c.want || handlesPorts(got) != c.ports || n.Ready() != nil {
				t.Errorf("network %+v, %v", got, err)
			}
		})
	}
}

func TestPodsWithoutHostPortsRunNoPluginForThem(t *testing.T) {
	const list = `{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge"},` +
		`{"type":"portmap","capabilities":{"portMappings":true}},` +
		`{"type":"other","capabilities":{"portMappings":true,"bandwidth":true}}]}`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.conflist"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	n := NewNetwork(dir, dir, dir)
	for want, o := range map[string]Options{"bridge other": {}, "bridge portmap other": {Ports: []PortMapping{{HostPort: 80}}}} {
		got, err := n.loadFor(o)
		if err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, p := range got.Plugins {
			types = append(types, p.Network.Type)
		}
		if strings.Join(types, " ") != want {
			t.Errorf("plugins %v, want %s", types, want)
		}
	}
}

func TestHostPortNeedsAPlugin(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.conf"), []byte(`{"cniVersion":"1.0.0","name":"one","type":"bridge"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := NewNetwork(dir, dir, dir).attach(context.Background(), "", Options{Ports: []PortMapping{{HostPort: 80}}})
	if err == nil || !strings.Contains(err.Error(), "hostPort, which needs CNI's portmap plugin") {
		t.Errorf("error %v", err)
	}
}

func TestSysctlNames(t *testing.T) {
	for _, name := range []string{"../../etc/passwd", "net/../../x", "/etc/passwd", ""} {
		if err := setSysctl(name, "1"); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
	if err := setSysctl("net.no.such", "1"); err == nil || !strings.Contains(err.Error(), "/proc/sys/net/no/such") {
		t.Errorf("error %v", err)
	}
}

func TestCleanUpOfNothing(t *testing.T) {
	m := NewMaker(NewNetwork(t.TempDir(), "", ""), filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler))
	if err := m.CleanUp(context.Background()); err != nil {
		t.Error(err)
	}
}
