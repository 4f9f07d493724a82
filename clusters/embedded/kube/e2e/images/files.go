package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// files collects the files of a layer, and the first error.
type files struct {
	tar  *tar.Writer
	seen map[string]bool
	err  error
}

// layer makes a layer of the files that fill adds.
func layer(fill func(*files)) (v1.Layer, error) {
	var content bytes.Buffer
	f := &files{tar: tar.NewWriter(&content), seen: map[string]bool{}}
	fill(f)
	if err := errors.Join(f.err, f.tar.Close()); err != nil {
		return nil, fmt.Errorf("collecting files: %w", err)
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
}

func (f *files) add(header tar.Header, content []byte) {
	if f.err != nil || f.seen[header.Name] {
		return
	}
	f.seen[header.Name] = true
	header.Name, header.Size = strings.TrimPrefix(header.Name, "/"), int64(len(content))
	if f.err = f.tar.WriteHeader(&header); f.err == nil {
		_, f.err = f.tar.Write(content)
	}
}

func (f *files) folder(name string, mode int64) {
	f.add(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

func (f *files) text(name, content string) {
	f.add(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, []byte(content))
}

func (f *files) link(name, target string) {
	f.add(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, nil)
}

// copy copies a file of this machine.
func (f *files) copy(from, to string, mode int64) {
	content, err := os.ReadFile(from)
	if err != nil {
		f.err = errors.Join(f.err, err)
		return
	}
	f.add(tar.Header{Typeflag: tar.TypeReg, Name: to, Mode: mode}, content)
}

// accounts are those that tests expect in agnhost and busybox.
func (f *files) accounts() {
	f.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"+
		"user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n")
	f.text("/etc/group", "root:x:0:\nnobody:x:65534:\nuser-defined-in-image:x:1000:\n"+
		"group-defined-in-image:x:50000:user-defined-in-image\n")
}

// busybox copies busybox and links all its tools to it.
func (f *files) busybox() {
	program, err := find("busybox")
	if err != nil {
		f.err = errors.Join(f.err, err)
		return
	}
	tools, err := exec.Command(program, "--list").Output()
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("listing busybox's tools: %w", err))
		return
	}
	f.copy(program, "/bin/busybox", 0o755)
	for _, tool := range strings.Fields(string(tools)) {
		if tool != "busybox" {
			f.link("/bin/"+tool, "busybox")
		}
	}
}

// program copies a program of this machine with the libraries that it is linked with.
func (f *files) program(name string) {
	from, err := find(name)
	if err != nil {
		f.err = errors.Join(f.err, err)
		return
	}
	f.copy(from, "/usr/bin/"+name, 0o755)
	linked, err := exec.Command("ldd", from).Output()
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("finding the libraries of %s: %w", name, err))
		return
	}
	libraries := regexp.MustCompile(`(/\S+) \(0x`)
	for _, match := range libraries.FindAllStringSubmatch(string(linked), -1) {
		real, err := filepath.EvalSymlinks(match[1])
		if err != nil {
			f.err = errors.Join(f.err, err)
			continue
		}
		f.copy(real, path.Clean(match[1]), 0o755)
	}
}

func find(program string) (string, error) {
	found, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%w: install it first", err)
	}
	return filepath.EvalSymlinks(found)
}
