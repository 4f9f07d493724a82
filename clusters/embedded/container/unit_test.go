//go:build linux

package container

import (
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
	"k8s.io/utils/ptr"
)

func TestCapabilities(t *testing.T) {
	cases := []struct {
		name      string
		add, drop []string
		has, not  []string
		err       string
	}{
		{"default", nil, nil, []string{"CHOWN", "NET_BIND_SERVICE", "KILL"}, []string{"SYS_ADMIN", "NET_ADMIN"}, ""},
		{"add", []string{"NET_ADMIN"}, nil, []string{"NET_ADMIN", "CHOWN"}, []string{"SYS_ADMIN"}, ""},
		{"any spelling", []string{"cap_net_admin"}, []string{"Chown"}, []string{"NET_ADMIN"}, []string{"CHOWN"}, ""},
		{"drop all, add one", []string{"NET_BIND_SERVICE"}, []string{"ALL"}, []string{"NET_BIND_SERVICE"}, []string{"CHOWN", "KILL"}, ""},
		{"add all", []string{"ALL"}, nil, []string{"SYS_ADMIN", "BPF"}, nil, ""},
		{"add all, drop one", []string{"ALL"}, []string{"SYS_ADMIN"}, []string{"BPF"}, []string{"SYS_ADMIN"}, ""},
		{"unknown", []string{"FLY"}, nil, nil, nil, `unknown capability "FLY"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Capabilities(c.add, c.drop)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range c.has {
				if !slices.Contains(got, name) {
					t.Errorf("%s is missing in %q", name, got)
				}
			}
			for _, name := range c.not {
				if slices.Contains(got, name) {
					t.Errorf("%s is in %q", name, got)
				}
			}
		})
	}
}

func TestCapabilityBits(t *testing.T) {
	if got, want := capabilityBits([]string{"CHOWN", "NET_RAW", "unknown"}), uint64(1<<unix.CAP_CHOWN|1<<unix.CAP_NET_RAW); got != want {
		t.Errorf("%x, want %x", got, want)
	}
	if all := len(capabilityNumbers()); all != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d capabilities have names, the kernel's headers have %d", all, unix.CAP_LAST_CAP+1)
	}
}

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\n# note\nbroken line\nweb:x:33:34:web:/var/www:/bin/sh\nhuge:x:4294967296:0::/:\n"
	group  = "root:x:0:\nwww:x:34:\nlogs:x:44:other,web\nadm:x:4:web\n"
)

func TestIdentify(t *testing.T) {
	files := fstest.MapFS{"etc/passwd": {Data: []byte(passwd)}, "etc/group": {Data: []byte(group)}}
	cases := []struct {
		name string
		user User
		want Identity
		err  string
	}{
		{"nothing given", User{}, Identity{Home: "/root"}, ""},
		{"by name", User{Image: "web"}, Identity{33, 34, []uint32{4, 44}, "/var/www"}, ""},
		{"by number", User{Image: "33"}, Identity{33, 34, []uint32{4, 44}, "/var/www"}, ""},
		{"unknown number", User{Image: "101"}, Identity{UID: 101, Home: "/"}, ""},
		{"with group", User{Image: "web:logs"}, Identity{33, 44, nil, "/var/www"}, ""},
		{"with unknown group number", User{Image: "101:102"}, Identity{UID: 101, GID: 102, Home: "/"}, ""},
		{"the Pod's user wins", User{Image: "web", UID: ptr.To[uint32](1000)}, Identity{UID: 1000, Home: "/"}, ""},
		{"the Pod's group wins", User{Image: "web:logs", GID: ptr.To[uint32](7)}, Identity{33, 7, nil, "/var/www"}, ""},
		{"the Pod's user may be known", User{UID: ptr.To[uint32](33)}, Identity{33, 34, []uint32{4, 44}, "/var/www"}, ""},
		{"more groups", User{Image: "web", Extra: []uint32{44, 5}}, Identity{33, 34, []uint32{4, 5, 44}, "/var/www"}, ""},
		{"unknown name", User{Image: "nobody"}, Identity{}, `the image has no user "nobody"`},
		{"unknown group", User{Image: "web:nobody"}, Identity{}, `the image has no group "nobody"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := identifyIn(c.user, files)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.UID != c.want.UID || got.GID != c.want.GID || !slices.Equal(got.Groups, c.want.Groups) || got.Home != c.want.Home {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	if id, err := identifyIn(User{Image: "7"}, fstest.MapFS{}); err != nil || id.UID != 7 {
		t.Errorf("an image without accounts: %+v, %v", id, err)
	}
}

func FuzzParseAccounts(f *testing.F) {
	f.Add(passwd)
	f.Add(group)
	f.Add(":::\n::0:\na:b:-1:c\n\x00:x:1:")
	f.Fuzz(func(t *testing.T, text string) {
		accounts, err := parseAccounts(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, a := range accounts {
			if a.field(0) == "" || !a.known || a.number(2) != a.id {
				t.Errorf("account %+v", a)
			}
		}
	})
}

func TestIDMaps(t *testing.T) {
	one, err := parseIDMap(strings.NewReader("         0       1000          1\n"))
	if err != nil {
		t.Fatal(err)
	}
	many, err := parseIDMap(strings.NewReader("0 1000 1\n1 100000 65536\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseIDMap(strings.NewReader("0 0 4294967295\n"))
	if err != nil {
		t.Fatal(err)
	}
	if one.has(1) || !one.has(0) || !many.has(65536) || many.has(65537) || !all.has(4294967294) {
		t.Error("ranges are read wrongly")
	}
	if !(idMaps{users: one}).userNamespaced() || (idMaps{users: all}).userNamespaced() {
		t.Error("user namespaces are recognised wrongly")
	}
	id := (idMaps{users: one, groups: many}).confine(Identity{UID: 33, GID: 34, Groups: []uint32{4, 70000}})
	if id.UID != 0 || id.GID != 34 || !slices.Equal(id.Groups, []uint32{4}) {
		t.Errorf("confined to %+v", id)
	}
	if _, err := parseIDMap(strings.NewReader("0 x 1\n")); err == nil {
		t.Error("a broken map is accepted")
	}
}

func TestSignalByName(t *testing.T) {
	cases := []struct {
		name string
		want syscall.Signal
		bad  bool
	}{
		{"", unix.SIGTERM, false}, {"SIGQUIT", unix.SIGQUIT, false}, {"quit", unix.SIGQUIT, false}, {"3", unix.SIGQUIT, false},
		{"SIGRTMIN+3", 37, false}, {"RTMAX-1", 63, false}, {"RTMIN", 34, false}, {"RTMIN+31", 0, true}, {"RTMIN+x", 0, true},
		{"SIGNONE", 0, true}, {"0", 0, true}, {"65", 0, true}, {"-9", 0, true},
	}
	for _, c := range cases {
		got, err := SignalByName(c.name)
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%q: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

func TestExitOf(t *testing.T) {
	cases := []struct {
		script string
		code   int
		signal syscall.Signal
	}{{"exit 0", 0, 0}, {"exit 7", 7, 0}, {"kill -KILL $$", 137, unix.SIGKILL}, {"kill -TERM $$", 143, unix.SIGTERM}}
	for _, c := range cases {
		cmd := exec.Command("sh", "-c", c.script)
		err := cmd.Run()
		if got := exitOf(cmd.ProcessState, err); got.Code != c.code || got.Signal != c.signal {
			t.Errorf("%q: %+v, want %d and signal %d", c.script, got, c.code, c.signal)
		}
	}
	if got := exitOf(nil, exec.ErrNotFound); got.Code != unknownExitCode {
		t.Errorf("a lost process has %+v", got)
	}
}

func TestCompleteEnv(t *testing.T) {
	got := completeEnv(Spec{Env: []string{"HOME=/x", "PATH=/p"}, TTY: true}, Identity{Home: "/root"})
	if want := []string{"HOME=/x", "PATH=/p", "TERM=xterm"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	got = completeEnv(Spec{}, Identity{Home: "/root"})
	if want := []string{"PATH=" + defaultPath, "HOME=/root"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
