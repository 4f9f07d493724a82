package k3d

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// TestMain makes the test binary a fake k3d when it is called by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "k3d" {
		os.Exit(fake{dir: filepath.Dir(os.Args[0])}.main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// k3d is an installed fake, and an API server for its clusters.
type k3d struct {
	t   *testing.T
	dir string

	mu    sync.Mutex
	nodes []corev1.Node
	asked int // how often the nodes were listed
}

func install(t *testing.T, s state) *k3d {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	k := &k3d{t: t, dir: filepath.Join(t.TempDir(), "a folder with $HOME")}
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(k.dir, "k3d")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", k.dir+":/usr/bin:/bin")
	k.nodes = []corev1.Node{newNode("server", true, "10.42.0.0/24")}
	api := httptest.NewServer(k)
	t.Cleanup(api.Close)
	s.Server = api.URL
	if err := (fake{dir: k.dir}).write(s); err != nil {
		t.Fatal(err)
	}
	return k
}

func newNode(name string, ready bool, podCIDR string) corev1.Node {
	condition := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse}
	if ready {
		condition.Status = corev1.ConditionTrue
	}
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDR: podCIDR},
		Status: corev1.NodeStatus{
			Conditions: []corev1.NodeCondition{condition},
			Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		},
	}
}

// ServeHTTP answers requests for the nodes. They are Ready from the third on, and have Pod addresses from the sixth on.
func (k *k3d) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Method != http.MethodGet || r.URL.Path != "/api/v1/nodes" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(corev1.NodeList{TypeMeta: metav1.TypeMeta{Kind: "NodeList", APIVersion: "v1"}, Items: k.nodes})
	k.asked++
	for i := range k.nodes {
		if k.asked >= 2 {
			k.nodes[i].Status.Conditions[0].Status = corev1.ConditionTrue
		}
		if k.asked >= 5 && k.nodes[i].Spec.PodCIDR == "" {
			k.nodes[i].Spec.PodCIDR = "10.42.9.0/24"
		}
	}
}

func (k *k3d) calls() []call {
	k.t.Helper()
	s, err := fake{dir: k.dir}.read()
	if err != nil {
		k.t.Fatal(err)
	}
	return s.Calls
}

// call returns the only call whose arguments begin with those given.
func (k *k3d) call(arguments ...string) call {
	k.t.Helper()
	var found []call
	for _, c := range k.calls() {
		if len(c.Arguments) >= len(arguments) && slices.Equal(c.Arguments[:len(arguments)], arguments) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		k.t.Fatalf("%d calls of k3d %s in %v", len(found), strings.Join(arguments, " "), k.calls())
	}
	return found[0]
}

// must opens a cluster that is destroyed at the end.
func must(t *testing.T, config Config) *Cluster {
	t.Helper()
	c, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Exists(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "install it") || !strings.Contains(err.Error(), "CLUSTER=embedded") {
		t.Errorf("error %v", err)
	}
}

func TestEngineThatIsDown(t *testing.T) {
	install(t, state{Problems: map[string]problem{"cluster list": {Stderr: "noise\nCannot connect to the Docker daemon\n", Code: 1}}})
	_, err := Exists(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "check that Docker runs") || !strings.Contains(err.Error(), "Cannot connect") ||
		strings.Contains(err.Error(), "noise") {
		t.Errorf("error %v", err)
	}
}

func TestExists(t *testing.T) {
	install(t, state{Clusters: []listed{{Name: "one"}, {Name: "onetwo"}}})
	for name, want := range map[string]bool{"one": true, "onetwo": true, "on": false, "three": false} {
		if there, err := Exists(t.Context(), name); err != nil || there != want {
			t.Errorf("%s: %v, %v, want %v", name, there, err, want)
		}
	}
}

func TestCreate(t *testing.T) {
	k := install(t, state{})
	c := must(t, Config{Name: "fresh", Image: "rancher/k3s:v1.35.4-k3s1"})
	created := k.call("cluster", "create", "fresh")
	joined := strings.Join(created.Arguments, " ")
	for _, wanted := range []string{
		"--image rancher/k3s:v1.35.4-k3s1", "--k3s-arg --disable=traefik@server:*", "--k3s-arg --disable=servicelb@server:*",
		"--kubeconfig-update-default=false", "--agents 2", "--api-port 127.0.0.1:random", "--timeout 5m0s",
	} {
		if !strings.Contains(joined, wanted) {
			t.Errorf("%q lacks %s", joined, wanted)
		}
	}
	if info, err := os.Stat(c.Kubeconfig()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig %v, %v", info, err)
	}
}

func TestFailedCreate(t *testing.T) {
	k := install(t, state{Problems: map[string]problem{"cluster create": {Stderr: "no image\n", Code: 1}}})
	_, err := Open(t.Context(), Config{Name: "fresh"})
	if err == nil || !strings.Contains(err.Error(), `k3d cluster "fresh"`) || !strings.Contains(err.Error(), "no image") {
		t.Errorf("error %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "testbed-k3d-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	k.call("cluster", "create", "fresh")
}

// TestUsersFilesAndSettingsDontMatter runs with a kubeconfig and an environment that k3d would use.
func TestUsersFilesAndSettingsDontMatter(t *testing.T) {
	home := t.TempDir()
	own := filepath.Join(home, ".kube", "config")
	const text = "# with a comment\napiVersion: v1\nkind: Config\n"
	if err := errors.Join(os.Mkdir(filepath.Dir(own), 0o700), os.WriteFile(own, []byte(text), 0o640)); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"HOME": home, "KUBECONFIG": own, "LOG_LEVEL": "debug", "LOG_COLORS": "1",
		"K3D_TOKEN": "x", "K3D_IMAGE": "old", "K3D_IMAGE_TOOLS": "mirror/k3d-tools:5", "K3D_FIX_DNS": "0",
	} {
		t.Setenv(name, value)
	}
	k := install(t, state{})
	c := must(t, Config{Name: "fresh"})
	if err := c.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.call("cluster", "delete", "fresh")
	if after, err := os.ReadFile(own); err != nil || string(after) != text {
		t.Errorf("the user's kubeconfig is now %q, %v", after, err)
	}
	if info, err := os.Stat(own); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the user's kubeconfig is now %v, %v", info, err)
	}
	want := []string{"K3D_FIX_DNS=0", "K3D_IMAGE_TOOLS=mirror/k3d-tools:5"}
	for _, call := range k.calls() {
		if !slices.Equal(call.Variables, want) {
			t.Errorf("k3d %s has %v, want %v", call.Arguments[1], call.Variables, want)
		}
	}
}

func TestLoadImage(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "an image of $USER.tar")
	if err := os.WriteFile(archive, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k := install(t, state{Clusters: []listed{{Name: "kept", ServersCount: 1, ServersRunning: 1}}})
	c := must(t, Config{Name: "kept"})
	if err := c.LoadImage(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	if got, want := k.call("image", "import").Arguments[2:], []string{"--cluster", "kept", archive}; !slices.Equal(got, want) {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if err := c.LoadImage(t.Context(), archive+".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an archive that isn't there: %v", err)
	}
}

// TestFailedImport is about failures that k3d only logs, with exit code 0.
func TestFailedImport(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(archive, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	install(t, state{
		Clusters: []listed{{Name: "kept", ServersCount: 1, ServersRunning: 1}},
		Problems: map[string]problem{"image import": {Stderr: "ERRO[0001] failed to import images in node 'k3d-kept-server-0'\n"}},
	})
	err := must(t, Config{Name: "kept"}).LoadImage(t.Context(), archive)
	if err == nil || !strings.Contains(err.Error(), "failed to import images in node") || !strings.Contains(err.Error(), archive) {
		t.Errorf("error %v", err)
	}
}

func TestNodesAreCompleteAfterCreate(t *testing.T) {
	k := install(t, state{})
	k.nodes = []corev1.Node{newNode("server", true, "10.42.0.0/24"), newNode("agent", false, "")}
	c := must(t, Config{Name: "fresh"})
	nodes, err := c.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		if !node.PodCIDR.IsValid() {
			t.Errorf("node %s has no Pod addresses", node.Name)
		}
	}
}

func TestExistingClusterIsStartedAndKept(t *testing.T) {
	k := install(t, state{Clusters: []listed{
		{Name: "stopped", ServersCount: 1, AgentsCount: 1, AgentsRunning: 1}, {Name: "running", ServersCount: 1, ServersRunning: 1},
	}})
	for _, name := range []string{"stopped", "running"} {
		c, err := Open(t.Context(), Config{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Destroy(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := k.call("cluster", "start").Arguments; got[2] != "stopped" || !slices.Contains(got, "--timeout") {
		t.Errorf("started with %q", got)
	}
	for _, call := range k.calls() {
		if call.Arguments[1] == "delete" {
			t.Errorf("k3d was called with %v", call.Arguments)
		}
	}
}

func TestHangingCallEnds(t *testing.T) {
	k := install(t, state{
		Clusters: []listed{{Name: "stopped", ServersCount: 1}},
		Problems: map[string]problem{"cluster start": {Hang: true}},
	})
	dir, err := tempdir.Make("k3d")
	if err != nil {
		t.Fatal(err)
	}
	program, err := find(filepath.Join(dir.Path(), "k3d-kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	// Long enough for the program to start on a busy machine, and short beside its hanging.
	program.timeouts.start = -endDelay + 5*time.Second
	_, err = open(t.Context(), Config{Name: "stopped"}, program, dir)
	if err == nil || !strings.Contains(err.Error(), "not finished after 5s") {
		t.Errorf("error %v", err)
	}
	k.call("cluster", "start")
}

func TestAPIServerOnAllAddressesIsReachedOnTheLoopback(t *testing.T) {
	install(t, state{
		Clusters:   []listed{{Name: "old", ServersCount: 1, ServersRunning: 1}},
		Kubeconfig: "clusters:\n- cluster:\n    server: https://0.0.0.0:35053\n",
	})
	program, err := find(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	got, err := program.getKubeconfig(t.Context(), "old")
	if want := "clusters:\n- cluster:\n    server: https://127.0.0.1:35053\n"; err != nil || string(got) != want {
		t.Errorf("kubeconfig %q, %v", got, err)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte(`[{"name":"one","serversCount":1,"serversRunning":1}]`))
	f.Add([]byte(`[]`))
	f.Add([]byte("DEBU[0000] x\n[]"))
	f.Fuzz(func(t *testing.T, output []byte) {
		all, err := parseList(output)
		if err != nil && all != nil {
			t.Errorf("both %v and %v", all, err)
		}
		for _, one := range all {
			if none := one.ServersCount <= 0 && one.AgentsCount <= 0; none && one.ServersRunning >= 0 && one.AgentsRunning >= 0 && !one.running() {
				t.Errorf("%+v has no nodes, and not all of them run", one)
			}
		}
	})
}

// state of a fake k3d, in a file beside it.
type state struct {
	Clusters   []listed
	Problems   map[string]problem // by the first two arguments
	Server     string             // URL of the API server
	Kubeconfig string             // printed instead of one for Server
	Calls      []call
}

// problem is how a call fails.
type problem struct {
	Stderr string
	Code   int
	Hang   bool
}

// call of the fake.
type call struct {
	Arguments []string
	Variables []string // those that begin with K3D_, sorted
}

// fake is a k3d program whose faults are those of the real one.
type fake struct{ dir string }

func (f fake) file() string { return filepath.Join(f.dir, "state.json") }

func (f fake) read() (s state, err error) {
	raw, err := os.ReadFile(f.file())
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(raw, &s)
}

func (f fake) write(s state) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(f.file(), raw, 0o600)
}

func (f fake) main(arguments []string) int {
	s, err := f.read()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	if level := os.Getenv("LOG_LEVEL"); level == "debug" || level == "trace" {
		fmt.Println("DEBU[0000] Runtime Info")
	} else if level != "error" {
		fmt.Fprintln(os.Stderr, "INFO[0000] a message that is not an error")
	}
	c := call{Arguments: arguments}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "K3D_") {
			c.Variables = append(c.Variables, variable)
		}
	}
	slices.Sort(c.Variables)
	s.Calls = append(s.Calls, c)
	if err := f.write(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	command := strings.Join(arguments[:2], " ")
	problem := s.Problems[command]
	fmt.Fprint(os.Stderr, problem.Stderr)
	if problem.Hang {
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		<-interrupted
		return 130
	}
	if problem.Code != 0 {
		return problem.Code
	}
	if err := f.do(command, arguments[2:], s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

func (f fake) do(command string, arguments []string, s state) error {
	switch command {
	case "cluster list":
		if s.Clusters == nil {
			s.Clusters = []listed{}
		}
		return json.NewEncoder(os.Stdout).Encode(s.Clusters)
	case "cluster create":
		s.Clusters = append(s.Clusters, listed{Name: arguments[0]})
		return f.write(s)
	case "cluster delete":
		s.Clusters = slices.DeleteFunc(s.Clusters, func(l listed) bool { return l.Name == arguments[0] })
		return errors.Join(f.write(s), f.rewriteKubeconfig())
	case "kubeconfig get":
		if s.Kubeconfig == "" {
			s.Kubeconfig = fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"c","cluster":{"server":%q}}],`+
				`"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{}}]}`, s.Server)
		}
		_, err := fmt.Print(s.Kubeconfig)
		return err
	}
	return nil
}

// rewriteKubeconfig does what `k3d cluster delete` does to the default kubeconfig.
func (fake) rewriteKubeconfig() error {
	file := os.Getenv("KUBECONFIG")
	if file == "" {
		file = filepath.Join(os.Getenv("HOME"), ".kube", "config")
	}
	old, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(old, []byte("\n"))
	return errors.Join(os.Remove(file), os.WriteFile(file, rest, 0o600))
}
