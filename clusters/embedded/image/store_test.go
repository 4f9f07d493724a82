//go:build linux

package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is a line of a layer: a folder ends in "/", "a -> b" is a symbolic link, "a => b" a hard link, "a: text" a file.
func layerTar(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Mode: 0o644, Typeflag: tar.TypeReg, Name: e}
		text := ""
		if from, to, ok := strings.Cut(e, " -> "); ok {
			h.Name, h.Linkname, h.Typeflag = from, to, tar.TypeSymlink
		} else if from, to, ok := strings.Cut(e, " => "); ok {
			h.Name, h.Linkname, h.Typeflag = from, to, tar.TypeLink
		} else if file, content, ok := strings.Cut(e, ": "); ok {
			h.Name, text = file, content
		} else if strings.HasSuffix(e, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		h.Size = int64(len(text))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newImage(t testing.TB, layers ...[]byte) v1.Image {
	t.Helper()
	img := empty.Image
	for _, content := range layers {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	img, err := mutate.Config(img, v1.Config{Entrypoint: []string{"/server"}, Env: []string{"A=b"}, User: "101", StopSignal: "SIGQUIT"})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func dockerTar(t testing.TB, img v1.Image, tags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	images := map[name.Tag]v1.Image{}
	for _, tag := range tags {
		ref, err := name.NewTag(tag)
		if err != nil {
			t.Fatal(err)
		}
		images[ref] = img
	}
	if err := tarball.MultiWriteToFile(path, images); err != nil {
		t.Fatal(err)
	}
	return path
}

func ociTar(t testing.TB, img v1.Image, annotations map[string]string) string {
	t.Helper()
	return layoutTar(t, func(index layout.Path) error { return index.AppendImage(img, layout.WithAnnotations(annotations)) })
}

// layoutTar makes an archive in the OCI layout.
func layoutTar(t testing.TB, fill func(layout.Path) error) string {
	t.Helper()
	dir := t.TempDir()
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(index); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "oci.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// filesTar makes an archive by hand, for those that the library would refuse to write.
func filesTar(t testing.TB, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "files.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tree lists a root file system in the form that layerTar takes, sorted, without folders.
func tree(t testing.TB, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, _ := filepath.Rel(root, path)
		if d.Type()&os.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			all = append(all, relative+" -> "+target)
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, relative+": "+string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestLoadReadsEveryKindOfArchive(t *testing.T) {
	img := newImage(t, layerTar(t, "server: v1", "etc/", "etc/conf: x"))
	zipped := filepath.Join(t.TempDir(), "image.tar.gz")
	plain, err := os.ReadFile(dockerTar(t, img, "testbed.local/web:dev"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(plain)
	z.Close()
	if err := os.WriteFile(zipped, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, archive string }{
		{"docker save", dockerTar(t, img, "testbed.local/web:dev")},
		{"docker save, gzipped", zipped},
		{"OCI layout with containerd's name", ociTar(t, img, map[string]string{annotationFullName: "testbed.local/web:dev"})},
		{"OCI layout with the specification's name", ociTar(t, img, map[string]string{annotationRefName: "testbed.local/web:dev"})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			loaded, err := s.Load(context.Background(), c.archive)
			if err != nil {
				t.Fatal(err)
			}
			if len(loaded) != 1 || loaded[0].Name != "testbed.local/web:dev" || !loaded[0].Loaded {
				t.Errorf("loaded %+v", loaded)
			}
			got, err := s.Get("testbed.local/web:dev")
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"etc/conf: x", "server: v1"}; !slices.Equal(tree(t, got.RootFS), want) {
				t.Errorf("files %q, want %q", tree(t, got.RootFS), want)
			}
			if got.Config.User != "101" || got.Config.StopSignal != "SIGQUIT" || !slices.Equal(got.Config.Entrypoint, []string{"/server"}) {
				t.Errorf("configuration %+v", got.Config)
			}
			if got.Size != 3 {
				t.Errorf("size %d, want 3", got.Size)
			}
			left, _ := os.ReadDir(s.tmp())
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestGetUnderstandsNames(t *testing.T) {
	s := open(t)
	if _, err := s.Load(context.Background(), dockerTar(t, newImage(t, layerTar(t, "a: 1")), "web", "team/web:2")); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		err  error
		full string
	}{
		{"web", nil, "docker.io/library/web:latest"},
		{"web:latest", nil, "docker.io/library/web:latest"},
		{"docker.io/library/web", nil, "docker.io/library/web:latest"},
		{"index.docker.io/library/web", nil, "docker.io/library/web:latest"},
		{"team/web:2", nil, "docker.io/team/web:2"},
		{"web:2", ErrNotFound, ""},
		{"UPPER", ErrInvalidName, ""},
		{"", ErrInvalidName, ""},
		{"a b", ErrInvalidName, ""},
	}
	for _, c := range cases {
		img, err := s.Get(c.name)
		if !errors.Is(err, c.err) || img.Name != c.full {
			t.Errorf("%q: %q, %v; want %q, %v", c.name, img.Name, err, c.full, c.err)
		}
	}
	all, err := s.List()
	if err != nil || len(all) != 2 || all[0].Name != "docker.io/library/web:latest" {
		t.Errorf("list %v, %v", all, err)
	}
}

func TestLayersApply(t *testing.T) {
	cases := []struct {
		name   string
		layers [][]string
		want   []string
	}{
		{"later files replace", [][]string{{"a: 1", "b: 1"}, {"a: 2"}}, []string{"a: 2", "b: 1"}},
		{"whiteout", [][]string{{"d/a: 1", "d/b: 1"}, {"d/.wh.a"}}, []string{"d/b: 1"}},
		{"whiteout of a folder", [][]string{{"d/a: 1", "e: 1"}, {".wh.d"}}, []string{"e: 1"}},
		{"whiteout of nothing", [][]string{{"a: 1"}, {".wh.b"}}, []string{"a: 1"}},
		{"whiteout beside a new file", [][]string{{"a: 1"}, {"a: 2", ".wh.a"}}, []string{"a: 2"}},
		{"opaque folder", [][]string{{"d/a: 1", "d/e/f: 1"}, {"d/", "d/new: 2", "d/.wh..wh..opq"}}, []string{"d/new: 2"}},
		{"opaque folder, marked first", [][]string{{"d/a: 1"}, {"d/", "d/.wh..wh..opq", "d/new: 2"}}, []string{"d/new: 2"}},
		{"opaque keeps new files in old folders", [][]string{{"d/e/a: 1"}, {"d/e/b: 2", "d/.wh..wh..opq"}}, []string{"d/e/b: 2"}},
		{"AUFS notes", [][]string{{"a: 1"}, {".wh..wh.plnk: x"}}, []string{"a: 1"}},
		{"file replaces folder", [][]string{{"d/a: 1"}, {"d: 2"}}, []string{"d: 2"}},
		{"folder replaces link", [][]string{{"x/a: 1", "d -> x"}, {"d/", "d/b: 2"}}, []string{"d/b: 2", "x/a: 1"}},
		{"links", [][]string{{"a: 1", "b -> a", "c => a"}}, []string{"a: 1", "b -> a", "c: 1"}},
		{"hard link to a lower layer", [][]string{{"a: 1"}, {"b => a"}}, []string{"a: 1", "b: 1"}},
		{"a replaced hard link leaves the other", [][]string{{"a: 1", "b => a"}, {"b: 2"}}, []string{"a: 1", "b: 2"}},
		{"through an absolute link", [][]string{{"run/", "var/run -> /run", "var/run/x: 1"}}, []string{"run/x: 1", "var/run -> /run"}},
		{"through a relative link", [][]string{{"usr/lib/", "lib -> usr/lib", "lib/x: 1"}}, []string{"lib -> usr/lib", "usr/lib/x: 1"}},
		{"dots stay inside", [][]string{{"../../a: 1", "/b: 1", "./c: 1"}}, []string{"a: 1", "b: 1", "c: 1"}},
		{"a link out stays inside", [][]string{{"out -> ../../../../..", "out/x: 1"}}, []string{"out -> ../../../../..", "x: 1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var layers [][]byte
			for _, l := range c.layers {
				layers = append(layers, layerTar(t, l...))
			}
			s := open(t)
			if _, err := s.Load(context.Background(), dockerTar(t, newImage(t, layers...), "img")); err != nil {
				t.Fatal(err)
			}
			img, err := s.Get("img")
			if err != nil {
				t.Fatal(err)
			}
			if got := tree(t, img.RootFS); !slices.Equal(got, c.want) {
				t.Errorf("files %q, want %q", got, c.want)
			}
		})
	}
}

func TestSharedLayerIsUnpackedOnce(t *testing.T) {
	s := open(t)
	base := layerTar(t, "base: 1")
	ctx := context.Background()
	for tag, layer := range map[string]string{"one": "own: 1", "two": "own: 2"} {
		if _, err := s.Load(ctx, dockerTar(t, newImage(t, base, layerTar(t, layer)), tag)); err != nil {
			t.Fatal(err)
		}
	}
	one, _ := s.Get("one")
	two, _ := s.Get("two")
	a, err := os.Stat(filepath.Join(one.RootFS, "base"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(filepath.Join(two.RootFS, "base"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(a, b) {
		t.Error("the shared layer's file is there twice")
	}
}

func TestLoadRefuses(t *testing.T) {
	damaged := func(t *testing.T) string {
		layer := layerTar(t, "a: changed on the way")
		config := `{"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:` + strings.Repeat("0", 64) + `"]}}`
		return filesTar(t, map[string]string{
			"manifest.json": `[{"Config":"c.json","RepoTags":["img"],"Layers":["l.tar"]}]`, "c.json": config, "l.tar": string(layer),
		})
	}
	text := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(path, []byte(strings.Repeat("not a tar file\n", 100)), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases := []struct {
		name    string
		archive func(*testing.T) string
		limits  Limits
		want    string
	}{
		{"no file", func(*testing.T) string { return "/nonexistent" }, DefaultLimits(), "no such file"},
		{"text", text, DefaultLimits(), "tar"},
		{"damaged content", damaged, DefaultLimits(), "damaged"},
		{"no image name", func(t *testing.T) string { return ociTar(t, newImage(t), nil) }, DefaultLimits(), "has a name"},
		{"too many bytes", func(t *testing.T) string { return dockerTar(t, newImage(t, layerTar(t, "a: 12345")), "img") }, Limits{4, 10}, "limit"},
		{"too many entries", func(t *testing.T) string { return dockerTar(t, newImage(t, layerTar(t, "a: 1", "b: 1")), "img") }, Limits{100, 1}, "limit"},
		{"whiteout of its own folder", func(t *testing.T) string { return dockerTar(t, newImage(t, layerTar(t, "d/.wh...")), "img") }, DefaultLimits(), "whiteout"},
		{"a link to itself", func(t *testing.T) string { return dockerTar(t, newImage(t, layerTar(t, "l -> l", "l/x: 1")), "img") }, DefaultLimits(), "links"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := OpenLimited(t.TempDir(), c.limits)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Load(context.Background(), c.archive(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			for _, dir := range []string{s.refs(), s.rootfs(), s.tmp()} {
				if left, _ := os.ReadDir(dir); len(left) != 0 {
					t.Errorf("left in %s: %v", dir, left)
				}
			}
		})
	}
}

func TestReadersSeeWholeImagesWhileOthersLoad(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	archives := []string{
		dockerTar(t, newImage(t, layerTar(t, "a: 1", "b: 1")), "img"), dockerTar(t, newImage(t, layerTar(t, "a: 2", "b: 2")), "img"),
	}
	if _, err := s.Load(ctx, archives[0]); err != nil {
		t.Fatal(err)
	}
	var loading sync.WaitGroup
	for range 4 {
		loading.Go(func() {
			for i := range 10 {
				if _, err := s.Load(ctx, archives[i%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { loading.Wait(); close(done) }()
	for {
		img, err := s.Get("img")
		if err != nil {
			t.Fatal(err)
		}
		files := tree(t, img.RootFS)
		if len(files) != 2 || files[0][len(files[0])-1] != files[1][len(files[1])-1] {
			t.Fatalf("half an image: %q", files)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func TestLoadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := open(t).Load(ctx, dockerTar(t, newImage(t, layerTar(t, "a: 1")), "img")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// FuzzApplyLayer looks for layers that crash the unpacker or get out of their folder.
func FuzzApplyLayer(f *testing.F) {
	f.Add(layerTar(f, "a: 1", "d/", "d/b -> ../a", "c => a"))
	f.Add(layerTar(f, "out -> ..", "out/x: 1", "out/../../y: 1"))
	f.Add(layerTar(f, "l -> /", "l/etc/passwd: x", ".wh.l", ".wh..wh..opq"))
	f.Add(layerTar(f, "a -> b", "b -> a", "a/c: 1"))
	f.Add(layerTar(f, "x => ../../outside", "outside -> ../../outside"))
	f.Fuzz(func(t *testing.T, layer []byte) {
		around := t.TempDir()
		inside := filepath.Join(around, "inside")
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(around, "outside"), []byte("untouched"), 0o600); err != nil {
			t.Fatal(err)
		}
		budget := Limits{Bytes: 1 << 20, Entries: 1000}
		applyLayer(context.Background(), bytes.NewReader(layer), inside, &budget)
		entries, err := os.ReadDir(around)
		if err != nil || len(entries) != 2 {
			t.Fatalf("beside the folder: %v, %v", entries, err)
		}
		if text, err := os.ReadFile(filepath.Join(around, "outside")); err != nil || string(text) != "untouched" {
			t.Fatalf("outside: %q, %v", text, err)
		}
		removeTree(inside)
	})
}
