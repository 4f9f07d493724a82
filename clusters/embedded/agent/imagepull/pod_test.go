//go:build linux

package imagepull

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/image"
)

const (
	always       = corev1.PullAlways
	ifNotPresent = corev1.PullIfNotPresent
	never        = corev1.PullNever
)

// pull is what a registry got.
type pull struct {
	image       string
	credentials []authn.AuthConfig
}

// fakeRegistry has images by the names that Pods use, and adds them to a store.
type fakeRegistry struct {
	store  *image.Store
	images map[string]v1.Image
	err    error
	wait   time.Duration // before it answers
	pulls  []pull
}

func (f *fakeRegistry) Pull(ctx context.Context, imageName string, credentials []authn.AuthConfig, report func(done, total int64)) error {
	f.pulls = append(f.pulls, pull{imageName, credentials})
	for waited := time.Duration(0); waited < f.wait; waited += time.Second {
		select {
		case <-time.After(time.Second):
			report(int64(waited/time.Second)*400_000, 2_000_000)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	img := f.images[imageName]
	switch {
	case f.err != nil:
		return f.err
	case img == nil:
		return errors.New("manifest unknown")
	}
	ref, err := image.ParseName(imageName)
	if err != nil {
		return err
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	_, err = f.store.Add(ctx, image.Source{Image: img, Names: []string{image.FullName(ref)}, Digests: []string{digest.String()}})
	return err
}

func newImage(t *testing.T, file string) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: file, Mode: 0o644}), w.Close()); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// world is one Pod on a node.
type world struct {
	t        *testing.T
	registry *fakeRegistry
	pod      *Pod
	events   []string
	progress []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := image.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, registry: &fakeRegistry{store: store, images: map[string]v1.Image{}}}
	node := Node{Store: store, Remote: w.registry, LoadCommand: "testbed load ARCHIVE"}
	w.pod = node.ForPod(slog.New(slog.DiscardHandler))
	return w
}

// load loads an image as `testbed load` does with an archive of `docker save`.
func (w *world) load(imageName string, img v1.Image) {
	w.t.Helper()
	tag, err := name.NewTag(imageName)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(path, tag, img); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.registry.store.Load(w.t.Context(), path); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(ctx context.Context, imageName string, policy corev1.PullPolicy) (image.Image, error) {
	return w.pod.Get(ctx, Request{
		Image: imageName, Policy: policy,
		Event:    func(kind, reason, message string) { w.events = append(w.events, kind+" "+reason+": "+message) },
		Progress: func(message string) { w.progress = append(w.progress, message) },
	})
}

// reason returns the reason of an Error.
func reason(t *testing.T, err error) string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is not an Error", err)
	}
	return e.Reason
}

func TestPolicies(t *testing.T) {
	const tagged, latest = "registry.example/web:1", "registry.example/web"
	for _, c := range []struct {
		name            string
		image           string
		policy          corev1.PullPolicy
		present, loaded bool
		pulls           int
		reason          string // of the error; "" if there is an image
	}{
		{name: "IfNotPresent, absent", image: tagged, policy: ifNotPresent, pulls: 1},
		{name: "IfNotPresent, present", image: tagged, policy: ifNotPresent, present: true},
		{name: "Always, absent", image: tagged, policy: always, pulls: 1},
		{name: "Always, present", image: tagged, policy: always, present: true, pulls: 1},
		{name: "Always, loaded", image: tagged, policy: always, loaded: true},
		{name: "Never, absent", image: tagged, policy: never, reason: ReasonNeverPull},
		{name: "Never, present", image: tagged, policy: never, present: true},
		{name: "default for a tag, present", image: tagged, present: true},
		{name: "default for latest, present", image: latest, present: true, pulls: 1},
		{name: "default for latest, loaded", image: latest, loaded: true},
		{name: "invalid name", image: "UPPER", policy: always, reason: ReasonInvalidName},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.registry.images[c.image] = newImage(t, "there")
			if c.present {
				if err := w.registry.Pull(t.Context(), c.image, nil, nil); err != nil {
					t.Fatal(err)
				}
				w.registry.pulls = nil
			}
			if c.loaded {
				w.load(c.image, newImage(t, "loaded"))
			}
			img, err := w.get(t.Context(), c.image, c.policy)
			if c.reason != "" {
				if got := reason(t, err); got != c.reason {
					t.Errorf("reason %s, want %s", got, c.reason)
				}
			} else if err != nil || img.RootFS == "" || img.Loaded != c.loaded {
				t.Errorf("image %+v, %v", img, err)
			}
			if len(w.registry.pulls) != c.pulls {
				t.Errorf("pulled %v, want %d pulls", w.registry.pulls, c.pulls)
			}
		})
	}
}

func TestEventsOfPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const web = "registry.example/web:1"
		w.registry.images[web] = newImage(t, "a")
		w.registry.wait = 1500 * time.Millisecond
		for range 2 {
			if _, err := w.get(t.Context(), web, ifNotPresent); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			`Normal Pulling: Pulling image "registry.example/web:1"`,
			`Normal Pulled: Successfully pulled image "registry.example/web:1" in 2s (2s including waiting). Image size: 0 bytes.`,
			`Normal Pulled: Container image "registry.example/web:1" already present on machine`,
		}
		if !slices.Equal(w.events, want) {
			t.Errorf("events\n%s\nwant\n%s", strings.Join(w.events, "\n"), strings.Join(want, "\n"))
		}
		progress := []string{`Pulling image "registry.example/web:1": 0 of 2 MB`, `Pulling image "registry.example/web:1": 1 of 2 MB`}
		if !slices.Equal(w.progress, progress) {
			t.Errorf("progress %q, want %q", w.progress, progress)
		}
	})
}

// TestBackOff follows one image over an hour of failures, as a container that looks every second.
func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const web = "registry.example/web:1"
		w.registry.err = errors.New("no such host")
		began := time.Now()
		var at []time.Duration
		for time.Since(began) < time.Hour {
			pulls := len(w.registry.pulls)
			_, err := w.get(t.Context(), web, ifNotPresent)
			want := ReasonBackOff
			if len(w.registry.pulls) > pulls {
				at = append(at, time.Since(began))
			}
			if time.Since(began)-at[len(at)-1] < failureShown {
				want = ReasonPull
			}
			if got := reason(t, err); got != want {
				t.Fatalf("reason %s, want %s", got, want)
			}
			if !strings.Contains(err.Error(), "no such host; to run it without a registry, load its archive: testbed load ARCHIVE") {
				t.Fatalf("message %q", err)
			}
			time.Sleep(time.Second) // of the bubble's clock
		}
		var delays []time.Duration
		for i := range at[1:] {
			delays = append(delays, at[i+1]-at[i])
		}
		want := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, 300 * time.Second, 300 * time.Second}
		if len(delays) < len(want) || !slices.Equal(delays[:len(want)], want) {
			t.Errorf("delays %v, want %v", delays, want)
		}
		counts := map[string]int{}
		for _, e := range w.events {
			counts[e]++
		}
		failed := `Warning Failed: Failed to pull image "registry.example/web:1": no such host; to run it without a registry, load its archive: testbed load ARCHIVE`
		backOff := `Normal BackOff: Back-off pulling image "registry.example/web:1"`
		if counts[failed] != len(at) || counts[backOff] != len(at) || len(counts) != 3 {
			t.Errorf("%d attempts gave the events %v", len(at), counts)
		}
	})
}

func TestLoadedImageEndsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const web = "registry.example/web:latest"
		for _, want := range []string{ReasonPull, ReasonBackOff} {
			if _, err := w.get(t.Context(), web, always); reason(t, err) != want {
				t.Errorf("reason %s, want %s", reason(t, err), want)
			}
			time.Sleep(failureShown) // of the bubble's clock
		}
		w.load(web, newImage(t, "a"))
		if img, err := w.get(t.Context(), web, always); err != nil || !img.Loaded {
			t.Errorf("after it was loaded: %+v, %v", img, err)
		}
	})
}

func TestWarningsAreNotRepeated(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.get(t.Context(), "registry.example/web:1", never)
		w.get(t.Context(), "UPPER", always)
	}
	if len(w.events) != 2 {
		t.Errorf("events %q", w.events)
	}
}

func TestOtherDigestIsExplained(t *testing.T) {
	w := newWorld(t)
	w.load("registry.example/web:1", newImage(t, "a"))
	wanted := "registry.example/web:1@sha256:" + strings.Repeat("1", 64)
	for _, policy := range []corev1.PullPolicy{never, ifNotPresent} {
		_, err := w.get(t.Context(), wanted, policy)
		if err == nil || !strings.Contains(err.Error(), "registry.example/web:1 is there, but has no digest") {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registry.wait = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := w.get(ctx, "registry.example/web:1", always); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestCredentialsArePassedOn(t *testing.T) {
	w := newWorld(t)
	me := authn.AuthConfig{Username: "me", Password: "secret"}
	w.pod.Get(t.Context(), Request{
		Image: "registry.example/team/web:1", Policy: always, Event: func(_, _, _ string) {},
		Credentials: func(_ context.Context, repository name.Repository) []authn.AuthConfig {
			if repository.String() != "registry.example/team/web" {
				t.Errorf("credentials for %s", repository)
			}
			return []authn.AuthConfig{me}
		},
	})
	if len(w.registry.pulls) != 1 || !slices.Equal(w.registry.pulls[0].credentials, []authn.AuthConfig{me}) {
		t.Errorf("pulls %v", w.registry.pulls)
	}
}
