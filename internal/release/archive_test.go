package release_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/internal/release"
)

// write writes files, whose names are relative to folder; those of programs end in "*".
func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		mode := os.FileMode(0o600)
		if strings.HasSuffix(name, "*") {
			mode = 0o700
		}
		path := filepath.Join(folder, strings.TrimSuffix(name, "*"))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// packed makes a folder with files of a release, and returns its archive.
func packed(t *testing.T) []byte {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, map[string]string{"testbed*": "program", "kubernetes/v1/kube*": "kube", "images/b.tar": "b", "images/a.tar": "a", "LICENSE": "free"})
	archive := release.Archive{
		Folder: "testbed", Time: time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC),
		Files: map[string]string{"LICENSE": filepath.Join(folder, "LICENSE")},
	}
	for _, part := range []string{"testbed", "kubernetes", "images"} {
		if err := archive.AddTree(part, filepath.Join(folder, part)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := archive.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestArchive(t *testing.T) {
	decompressed, err := gzip.NewReader(bytes.NewReader(packed(t)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for reader := tar.NewReader(decompressed); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%o %d:%d%s%s %s %s %s", header.Mode, header.Uid, header.Gid, header.Uname, header.Gname,
			header.ModTime.UTC().Format(time.RFC3339Nano), header.Name, content))
	}
	const when = "0:0 2026-03-01T12:00:00Z"
	want := []string{
		"755 " + when + " testbed/ ",
		"644 " + when + " testbed/LICENSE free",
		"755 " + when + " testbed/images/ ",
		"644 " + when + " testbed/images/a.tar a",
		"644 " + when + " testbed/images/b.tar b",
		"755 " + when + " testbed/kubernetes/ ",
		"755 " + when + " testbed/kubernetes/v1/ ",
		"755 " + when + " testbed/kubernetes/v1/kube kube",
		"755 " + when + " testbed/testbed program",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestEqualFilesGiveEqualArchives(t *testing.T) {
	first := packed(t)
	for range 5 { // maps have no order
		if !bytes.Equal(first, packed(t)) {
			t.Fatal("two archives of the same files differ")
		}
	}
}

func TestMissingPartOfArchive(t *testing.T) {
	folder := t.TempDir()
	archive := release.Archive{Folder: "testbed", Files: map[string]string{}}
	if err := archive.AddTree("cni", filepath.Join(folder, "cni")); err == nil {
		t.Error("a missing folder is no error")
	}
	if err := archive.AddTree("cni", folder); err == nil {
		t.Error("an empty folder is no error")
	}
	archive.Files["x"] = filepath.Join(folder, "x")
	out := filepath.Join(folder, "out", "archive.tar.gz")
	if err := release.WriteFile(out, archive.Write); err == nil {
		t.Error("a missing file is no error")
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestChecksums(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, map[string]string{"b": "", "a": "abc"})
	if err := release.WriteChecksums(folder, []string{"b", "a"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(folder, release.ChecksumFile))
	if err != nil {
		t.Fatal(err)
	}
	// Test vectors of FIPS 180-4.
	want := "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
