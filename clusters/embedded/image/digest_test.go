//go:build linux

package image

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

func digestOf(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	digest, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func TestGetByDigest(t *testing.T) {
	img := newImage(t, layerTar(t, "a: 1"))
	platform := v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &platform}})
	for name, c := range map[string]struct {
		archive string
		digests []string
	}{
		"image in a layout": {ociTar(t, img, map[string]string{annotationRefName: "testbed.local/web:1"}), []string{digestOf(t, img)}},
		"index in a layout": {layoutTar(t, func(p layout.Path) error {
			return p.AppendIndex(index, layout.WithAnnotations(map[string]string{annotationRefName: "testbed.local/web:1"}))
		}), []string{digestOf(t, index), digestOf(t, img)}},
	} {
		s := open(t)
		loaded, err := s.Load(context.Background(), c.archive)
		if err != nil {
			t.Fatal(err)
		}
		if len(loaded) != 1 || loaded[0].Digest != c.digests[0] {
			t.Errorf("%s: loaded %+v, want digest %s", name, loaded, c.digests[0])
		}
		for _, digest := range c.digests {
			for _, wanted := range []string{"testbed.local/web@" + digest, "testbed.local/web:1@" + digest, "testbed.local/web:2@" + digest} {
				got, err := s.Get(wanted)
				if err != nil || got.Digest != digest || got.Repository != "testbed.local/web" || got.RootFS != loaded[0].RootFS {
					t.Errorf("%s: %s is %+v, %v", name, wanted, got, err)
				}
			}
		}
	}
}

// TestOwnNameStandsForOwnDigest has an image with a name of its own in an index that has another.
func TestOwnNameStandsForOwnDigest(t *testing.T) {
	img := newImage(t, layerTar(t, "a: 1"))
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: img, Descriptor: v1.Descriptor{Annotations: map[string]string{annotationRefName: "testbed.local/own:1"}},
	})
	s := open(t)
	loaded, err := s.Load(context.Background(), layoutTar(t, func(p layout.Path) error {
		return p.AppendIndex(index, layout.WithAnnotations(map[string]string{annotationRefName: "testbed.local/index:1"}))
	}))
	if err != nil || len(loaded) != 1 || loaded[0].Name != "testbed.local/own:1" || loaded[0].Digest != digestOf(t, img) {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
	if got, err := s.Get("testbed.local/own@" + digestOf(t, index)); !errors.Is(err, ErrNotFound) {
		t.Errorf("by the digest of the index: %+v, %v", got, err)
	}
}

func TestOtherDigestIsReported(t *testing.T) {
	wanted := "sha256:" + strings.Repeat("1", 64)
	withDigest, without := open(t), open(t)
	img := newImage(t, layerTar(t, "a: 1"))
	ctx := context.Background()
	if _, err := withDigest.Load(ctx, ociTar(t, img, map[string]string{annotationRefName: "testbed.local/web:1"})); err != nil {
		t.Fatal(err)
	}
	if _, err := without.Load(ctx, dockerTar(t, img, "web:1", "web:2")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store  *Store
		wanted string
		says   string // "" if there is nothing to say
	}{
		{withDigest, "testbed.local/web:1@" + wanted, "testbed.local/web:1 is there, but has the digest " + digestOf(t, img)},
		{withDigest, "testbed.local/web@" + wanted, "testbed.local/web:1 is there"},
		{withDigest, "testbed.local/web:2", ""},
		{withDigest, "testbed.local/other@" + wanted, ""},
		{without, "web:2@" + wanted, "docker.io/library/web:2 is there, but has no digest"},
	} {
		_, err := c.store.Get(c.wanted)
		var other *OtherDigestError
		if !errors.Is(err, ErrNotFound) || errors.As(err, &other) != (c.says != "") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.wanted, err, c.says)
		}
	}
}

func TestMissingLayers(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	base, own := layerTar(t, "base: 1"), layerTar(t, "own: 1")
	img := newImage(t, base, own)
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	missing := func() []v1.Layer {
		layers, err := s.Missing(img)
		if err != nil {
			t.Fatal(err)
		}
		return layers
	}
	if got := missing(); !slices.Equal(got, all) {
		t.Errorf("an empty store lacks %v", got)
	}
	if _, err := s.Add(ctx, Source{Image: newImage(t, base), Names: []string{"docker.io/library/base:1"}}); err != nil {
		t.Fatal(err)
	}
	if got := missing(); !slices.Equal(got, all[1:]) {
		t.Errorf("with the lower layer: %v", got)
	}
	if _, err := s.Add(ctx, Source{Image: img, Names: []string{"docker.io/library/web:1"}}); err != nil {
		t.Fatal(err)
	}
	if got := missing(); len(got) > 0 {
		t.Errorf("with the image: %v", got)
	}
}
