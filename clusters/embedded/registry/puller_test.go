//go:build linux

package registry

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

// server is a registry on the loopback, whose requests a test can intercept.
type server struct {
	t        *testing.T
	host     string
	registry http.Handler
	requests requestLog

	mu        sync.Mutex
	intercept func(w http.ResponseWriter, r *http.Request) bool
}

// requestLog counts requests by method and path.
type requestLog struct {
	mu    sync.Mutex
	paths []string
}

func (l *requestLog) add(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths = append(l.paths, r.Method+" "+r.URL.Path)
}

// count returns how many requests contain a text.
func (l *requestLog) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, path := range l.paths {
		if strings.Contains(path, text) {
			n++
		}
	}
	return n
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, registry: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	s.host = strings.TrimPrefix(listener.URL, "http://")
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.add(r)
	s.mu.Lock()
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	s.registry.ServeHTTP(w, r)
}

// on makes the server call intercept first, which returns whether it has answered.
func (s *server) on(intercept func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = intercept
}

func (s *server) ref(t *testing.T, repository string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (s *server) push(repository string, img v1.Image) string {
	s.t.Helper()
	ref := s.ref(s.t, repository)
	if err := remote.Write(ref, img); err != nil {
		s.t.Fatal(err)
	}
	return ref.String()
}

// newImage makes an image for this machine with one file a layer.
func newImage(t *testing.T, files ...string) v1.Image {
	t.Helper()
	img := empty.Image
	for i, content := range files {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("file%d", i), Mode: 0o644, Size: int64(len(content))})
		_, writeErr := io.WriteString(w, content)
		if err := errors.Join(err, writeErr, w.Close()); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	return forPlatform(t, img, "linux", "amd64")
}

func forPlatform(t *testing.T, img v1.Image, os, architecture string) v1.Image {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = os, architecture
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

type puller struct {
	*Puller
	store *image.Store
}

func newPuller(t *testing.T, change func(*Config)) puller {
	t.Helper()
	store, err := image.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Store: store, Dial: (&net.Dialer{}).DialContext,
		Keychain: func(context.Context, string) (authn.AuthConfig, error) { return authn.AuthConfig{}, nil },
		Platform: v1.Platform{OS: "linux", Architecture: "amd64"}, Limits: DefaultLimits(),
	}
	if change != nil {
		change(&config)
	}
	p := New(config)
	t.Cleanup(p.Close)
	return puller{p, store}
}

func ignore(Progress) {}

func (p puller) mustPull(t *testing.T, r Request) image.Image {
	t.Helper()
	if err := p.Pull(t.Context(), r, ignore); err != nil {
		t.Fatal(err)
	}
	img, err := p.store.Get(r.Image)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func content(t *testing.T, img image.Image, file string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(img.RootFS, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func digestOf(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	digest, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func TestPullByTagAndDigest(t *testing.T) {
	s := newServer(t)
	img := newImage(t, "one", "two")
	pushed := s.push("team/web:1", img)
	p := newPuller(t, nil)
	got := p.mustPull(t, Request{Image: pushed})
	if content(t, got, "file0") != "one" || content(t, got, "file1") != "two" {
		t.Errorf("files %q, %q", content(t, got, "file0"), content(t, got, "file1"))
	}
	if got.Digest != digestOf(t, img) || got.Repository != s.host+"/team/web" || got.Loaded {
		t.Errorf("image %+v", got)
	}
	for _, byDigest := range []string{s.host + "/team/web@" + digestOf(t, img), s.host + "/team/web:other@" + digestOf(t, img)} {
		if _, err := p.store.Get(byDigest); err != nil {
			t.Errorf("pulled by tag, then %s: %v", byDigest, err)
		}
		newPuller(t, nil).mustPull(t, Request{Image: byDigest})
	}
}

func TestPullReadsOnlyWhatIsNew(t *testing.T) {
	s := newServer(t)
	first, second := newImage(t, "base", "one"), newImage(t, "base", "two")
	p := newPuller(t, nil)
	p.mustPull(t, Request{Image: s.push("web:1", first)})
	pushed := s.push("web:1", second)
	before := s.requests.count("GET /v2/web/blobs/")
	got := p.mustPull(t, Request{Image: pushed})
	if content(t, got, "file1") != "two" {
		t.Errorf("the tag's image was not replaced: %q", content(t, got, "file1"))
	}
	if n := s.requests.count("GET /v2/web/blobs/") - before; n != 2 {
		t.Errorf("%d blobs were read for a new configuration and a new layer", n)
	}
	before = s.requests.count("GET /v2/web/blobs/")
	p.mustPull(t, Request{Image: pushed})
	if n := s.requests.count("GET /v2/web/blobs/") - before; n != 1 {
		t.Errorf("%d blobs were read for an image that is present, want the configuration", n)
	}
}

func TestPullChoosesPlatform(t *testing.T) {
	s := newServer(t)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: forPlatform(t, newImage(t, "arm"), "linux", "arm64"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: newImage(t, "amd"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: newImage(t, "note"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}},
	)
	ref := s.ref(t, "web:multi")
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	for architecture, want := range map[string]string{"arm64": "arm", "amd64": "amd"} {
		p := newPuller(t, func(c *Config) { c.Platform.Architecture = architecture })
		got := p.mustPull(t, Request{Image: ref.String()})
		if content(t, got, "file0") != want || got.Digest != digestOf(t, index) {
			t.Errorf("%s: file %q, digest %s, want %q and that of the index", architecture, content(t, got, "file0"), got.Digest, want)
		}
		if _, err := p.store.Get(s.host + "/web@" + digestOf(t, index)); err != nil {
			t.Errorf("by the digest of the index: %v", err)
		}
	}
	p := newPuller(t, func(c *Config) { c.Platform.Architecture = "s390x" })
	err := p.Pull(t.Context(), Request{Image: ref.String()}, ignore)
	if err == nil || !strings.Contains(err.Error(), "no image for linux/s390x: there are images for linux/arm64, linux/amd64") {
		t.Errorf("without the platform: %v", err)
	}
	single := s.push("web:arm", forPlatform(t, newImage(t, "x"), "linux", "arm64"))
	err = newPuller(t, nil).Pull(t.Context(), Request{Image: single}, ignore)
	if err == nil || !strings.Contains(err.Error(), "it is for linux/arm64") {
		t.Errorf("an image without index: %v", err)
	}
}

// private lets only one user in.
func (s *server) private(user, password string) {
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
		return true
	})
}

func TestPullTriesCredentials(t *testing.T) {
	s := newServer(t)
	pushed := s.push("web:1", newImage(t, "x"))
	s.private("me", "secret")
	right, wrong := authn.AuthConfig{Username: "me", Password: "secret"}, authn.AuthConfig{Username: "me", Password: "guess"}
	keychain := func(config authn.AuthConfig, err error) func(*Config) {
		return func(c *Config) {
			c.Keychain = func(_ context.Context, repository string) (authn.AuthConfig, error) {
				if repository != s.host+"/web" {
					t.Errorf("credentials for %q", repository)
				}
				return config, err
			}
		}
	}
	none := authn.AuthConfig{}
	for _, c := range []struct {
		name    string
		request []authn.AuthConfig
		user    func(*Config)
		want    string
	}{
		{"from the request", []authn.AuthConfig{right}, keychain(none, nil), ""},
		{"the second of the request", []authn.AuthConfig{wrong, right}, keychain(none, nil), ""},
		{"the user's", nil, keychain(right, nil), ""},
		{"the user's after the request's", []authn.AuthConfig{wrong}, keychain(right, nil), ""},
		{"none", nil, keychain(none, nil), "authentication required"},
		{"wrong", []authn.AuthConfig{wrong}, keychain(wrong, nil), "authentication required"},
		{"no helper", nil, keychain(none, errors.New("the helper is missing")), "the helper is missing"},
		{"no helper, but the request's", []authn.AuthConfig{right}, keychain(none, errors.New("the helper is missing")), ""},
	} {
		err := newPuller(t, c.user).Pull(t.Context(), Request{Image: pushed, Credentials: c.request}, ignore)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPullRefuses(t *testing.T) {
	blob := func(answer func(w http.ResponseWriter, r *http.Request)) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			answer(w, r)
			return true
		}
	}
	img := newImage(t, "content")
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	layerDigest := digestOf(t, layers[0])
	chart := mutate.MediaType(mutate.ConfigMediaType(newImage(t, "chart"), "application/vnd.cncf.helm.config.v1+json"), types.OCIManifestSchema1)
	for _, c := range []struct {
		name      string
		image     func(s *server) string
		intercept func(w http.ResponseWriter, r *http.Request) bool
		change    func(*Config)
		want      string
	}{
		{name: "no such tag", image: func(s *server) string { return s.host + "/web:none" }, want: "MANIFEST_UNKNOWN"},
		{name: "no such repository", image: func(s *server) string { return s.host + "/none:1" }, want: "NAME_UNKNOWN"},
		{name: "invalid name", image: func(*server) string { return "UPPER" }, want: "invalid image name"},
		{name: "not an image", image: func(s *server) string { return s.push("chart:1", chart) }, want: "not a container image"},
		{
			name:  "another manifest than the digest's",
			image: func(s *server) string { return s.host + "/web@sha256:" + strings.Repeat("1", 64) },
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/manifests/") {
					return false
				}
				w.Header().Set("Content-Type", string(types.DockerManifestSchema2))
				io.WriteString(w, "{}")
				return true
			},
			want: "does not match",
		},
		{name: "a blob that is missing", intercept: blob(http.NotFound), want: "404"},
		{
			name: "a blob with other content",
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, layerDigest) || r.Method != http.MethodGet {
					return false
				}
				io.WriteString(w, "not what was asked for")
				return true
			},
			want: "layer 1",
		},
		{
			name: "a blob that ends early",
			intercept: blob(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				io.WriteString(w, "short")
			}),
			want: "does not match expected size",
		},
		{
			name: "a registry that doesn't answer", change: func(c *Config) { c.Limits.Stall = 20 * time.Millisecond },
			intercept: func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true },
			want:      "sent nothing for 20ms",
		},
		{
			name: "a registry that stops in the middle", change: func(c *Config) { c.Limits.Stall = 20 * time.Millisecond },
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, layerDigest) || r.Method != http.MethodGet {
					return false
				}
				w.Write([]byte{0x1f})
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return true
			},
			want: "sent nothing for 20ms",
		},
		{
			name: "an endless manifest",
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/manifests/") {
					return false
				}
				w.Header().Set("Content-Type", string(types.DockerManifestSchema2))
				for chunk := bytes.Repeat([]byte(" "), 1<<20); ; {
					if _, err := w.Write(chunk); err != nil {
						return true
					}
				}
			},
			want: "short document",
		},
		{name: "too large", change: func(c *Config) { c.Limits.Bytes = 10 }, want: "larger than 10 bytes"},
		{name: "too long", change: func(c *Config) { c.Limits.Pull = time.Nanosecond }, want: "not finished after 1ns"},
		{name: "no listener", image: func(*server) string { return "127.0.0.1:1/web:1" }, want: "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			pushed := s.push("web:1", img)
			if c.image != nil {
				pushed = c.image(s)
			}
			s.on(c.intercept)
			p := newPuller(t, c.change)
			err := p.Pull(t.Context(), Request{Image: pushed}, ignore)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if all, err := p.store.List(); err != nil || len(all) > 0 {
				t.Errorf("the store has %v, %v", all, err)
			}
		})
	}
}

func TestErrorIsOneShortLine(t *testing.T) {
	err := &Error{Cause: errors.New("first\nsecond " + strings.Repeat("ä", 2*maxMessage))}
	if text := err.Error(); strings.Contains(text, "\n") || len(text) > maxMessage+len("…") || !strings.HasPrefix(text, "first second ä") {
		t.Errorf("text %q", text)
	}
}

// gate holds requests for blobs until it is opened.
type gate struct {
	opened  chan struct{}
	waiting chan struct{}
	held    atomic.Int32
}

func newGate(s *server) *gate {
	g := &gate{opened: make(chan struct{}), waiting: make(chan struct{}, 100)}
	s.on(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			g.held.Add(1)
			g.waiting <- struct{}{}
			select {
			case <-g.opened:
			case <-r.Context().Done():
			}
		}
		return false
	})
	return g
}

func TestPullsOfOneImageAreJoined(t *testing.T) {
	s := newServer(t)
	pushed := s.push("web:1", newImage(t, "x"))
	g := newGate(s)
	p := newPuller(t, nil)
	errs := make(chan error, 5)
	pull := func(ctx context.Context, image string) {
		errs <- p.Pull(ctx, Request{Image: image}, ignore)
	}
	first, leave := context.WithCancel(t.Context())
	go pull(first, pushed)
	<-g.waiting
	for range 3 {
		go pull(t.Context(), pushed)
	}
	p.await(t, "four requests wait", func() bool { return p.waiting() == 4 })
	leave() // the first one leaves, and the others still get the image
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up: %v", err)
	}
	close(g.opened)
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := s.requests.count("GET /v2/web/manifests/1"); n != 1 {
		t.Errorf("the manifest was read %d times", n)
	}
}

// waiting is the number of requests that wait for a pull.
func (p puller) waiting() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		n += c.waiting
	}
	return n
}

func (p puller) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-limit:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func TestPullsWithOtherCredentialsAreNotJoined(t *testing.T) {
	s := newServer(t)
	pushed := s.push("web:1", newImage(t, "x"))
	g := newGate(s)
	p := newPuller(t, nil)
	errs := make(chan error, 2)
	for _, user := range []string{"one", "two"} {
		go func() {
			errs <- p.Pull(t.Context(), Request{Image: pushed, Credentials: []authn.AuthConfig{{Username: user}}}, ignore)
		}()
	}
	<-g.waiting
	<-g.waiting
	close(g.opened)
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestPullEndsWithItsLastRequest(t *testing.T) {
	s := newServer(t)
	pushed := s.push("web:1", newImage(t, "x"))
	g := newGate(s)
	p := newPuller(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 1)
	go func() { errs <- p.Pull(ctx, Request{Image: pushed}, ignore) }()
	<-g.waiting
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	p.Close() // waits for the pull
	s.on(nil)
	p.mustPull(t, Request{Image: pushed}) // the next request starts anew
}

// pipeListener is a listener in memory, so that the time of a synctest bubble stands still while nothing happens.
type pipeListener struct {
	net.Listener // a real one, for its address
	conns        chan net.Conn
}

func (l pipeListener) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours, nil
}

func TestOnlySomePullsRunAtOnce(t *testing.T) {
	s := newServer(t)
	var images []string
	for i := range 3 {
		images = append(images, s.push(fmt.Sprintf("web%d:1", i), newImage(t, fmt.Sprint(i))))
	}
	address, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer address.Close()
	synctest.Test(t, func(t *testing.T) {
		listener := pipeListener{address, make(chan net.Conn)}
		web := &http.Server{Handler: s}
		go web.Serve(listener)
		g := newGate(s)
		p := newPuller(t, func(c *Config) { c.Limits.Pulls, c.Dial = 2, listener.dial })
		errs := make(chan error, 3)
		for _, image := range images {
			go func() { errs <- p.Pull(t.Context(), Request{Image: image}, ignore) }()
		}
		synctest.Wait()
		if n := g.held.Load(); n != 2 {
			t.Errorf("%d pulls run", n)
		}
		close(g.opened)
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		p.Close()
		close(listener.conns)
		web.Close()
	})
}

func TestPullReportsProgress(t *testing.T) {
	s := newServer(t)
	img := newImage(t, strings.Repeat("content ", 1000))
	pushed := s.push("web:1", img)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	size, err := layers[0].Size()
	if err != nil {
		t.Fatal(err)
	}
	halfway := make(chan struct{})
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, digestOf(t, layers[0])) {
			return false
		}
		compressed, err := layers[0].Compressed()
		if err != nil {
			t.Error(err)
			return true
		}
		io.CopyN(w, compressed, size/2)
		http.NewResponseController(w).Flush()
		select {
		case <-halfway:
		case <-r.Context().Done():
		}
		io.Copy(w, compressed)
		return true
	})
	var reached atomic.Bool
	err = newPuller(t, nil).Pull(t.Context(), Request{Image: pushed}, func(p Progress) {
		if p.Total == size && p.Done == size/2 && !reached.Swap(true) {
			close(halfway)
		}
	})
	if err != nil || !reached.Load() {
		t.Errorf("error %v, progress was reported: %v", err, reached.Load())
	}
}
