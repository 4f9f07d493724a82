// Command images packs the images that Kubernetes' conformance tests use into one archive, from programs that were built
// from modules and those of this machine, for machines without a registry. Names and tags are the tests' own.
//
// agnhost, the sample API server and etcd are the real things, of the releases in go.mod. The others have what the tests
// use of them: busybox's shell and tools, a web server in place of nginx, agnhost's own pause, and of nautilus and kitten
// the file by which tests recognise them.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	testimages "k8s.io/kubernetes/test/utils/image"
)

func main() {
	programs := flag.String("programs", "", "folder with the programs agnhost, sample-apiserver and etcd, linked statically")
	source := flag.String("agnhost-source", "", "folder with the source of agnhost, for the certificate that it serves")
	out := flag.String("out", "", "path of the archive")
	flag.Parse()
	if *programs == "" || *source == "" || *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := pack(*programs, *source, *out); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// spec is an image: its files, and how its containers start.
type spec struct {
	ids    []testimages.ImageID
	layers []v1.Layer
	config v1.Config
}

func pack(programs, source, out string) error {
	specs, err := specs(programs, source)
	if err != nil {
		return err
	}
	archive := map[name.Tag]v1.Image{}
	for _, s := range specs {
		image, err := mutate.AppendLayers(empty.Image, s.layers...)
		if err != nil {
			return fmt.Errorf("building an image: %w", err)
		}
		if image, err = mutate.Config(image, s.config); err != nil {
			return fmt.Errorf("configuring an image: %w", err)
		}
		for _, id := range s.ids {
			tag, err := name.NewTag(testimages.GetE2EImage(id))
			if err != nil {
				return fmt.Errorf("naming an image: %w", err)
			}
			archive[tag] = image
		}
	}
	return tarball.MultiWriteToFile(out, archive)
}

func specs(programs, source string) ([]spec, error) {
	agnhost := filepath.Join(programs, "agnhost")
	const page = "/usr/share/nginx/html"
	// In most images bash stands in for busybox's shell, which on Debian prefers its tools to those of the same names in the
	// PATH, and drops variables from the environment whose names are not a shell's.
	tools, err := toolsLayer("/bin/sh")
	if err != nil {
		return nil, err
	}
	// A test compares what /bin/sh of busybox's image says, and another needs those variables, of the sh in the PATH.
	busybox, err := toolsLayer("/usr/bin/sh")
	if err != nil {
		return nil, err
	}
	web, err := layer(func(f *files) { f.text(page+"/index.html", "<h1>Welcome to nginx!</h1>\n") })
	if err != nil {
		return nil, err
	}
	host, err := layer(func(f *files) {
		f.folder("/uploads", 0o777)
		f.copy(agnhost, "/agnhost", 0o755)
		f.link("/agnhost-2", "agnhost")
		for _, name := range []string{"localhost.crt", "localhost.key"} {
			f.copy(filepath.Join(source, "porter", name), "/"+name, 0o644)
		}
		for _, program := range []string{"curl", "dig", "getent", "ss", "nc"} {
			f.program(program)
		}
	})
	if err != nil {
		return nil, err
	}
	// Images that tests recognise by the files in them, which agnhost serves from its folder. The tests expect kitten to be
	// of Alpine Linux.
	demo := map[string]v1.Layer{}
	for _, name := range []string{"nautilus", "kitten"} {
		if demo[name], err = layer(func(f *files) {
			f.copy(filepath.Join(source, "..", name, "html", "data.json"), "/data.json", 0o644)
			f.text("/etc/os-release", "NAME=\"Alpine Linux\"\n")
		}); err != nil {
			return nil, err
		}
	}
	alone, err := layer(func(f *files) { f.copy(agnhost, "/agnhost", 0o4755) })
	if err != nil {
		return nil, err
	}
	apiServer, err := layer(func(f *files) { f.copy(filepath.Join(programs, "sample-apiserver"), "/kube-sample-apiserver", 0o755) })
	if err != nil {
		return nil, err
	}
	etcd, err := layer(func(f *files) { f.copy(filepath.Join(programs, "etcd"), "/usr/local/bin/etcd", 0o755) })
	if err != nil {
		return nil, err
	}
	served := v1.Config{Entrypoint: []string{"/agnhost"}, Cmd: []string{"test-webserver"}}
	return []spec{
		{[]testimages.ImageID{testimages.APIServer}, []v1.Layer{apiServer}, v1.Config{Entrypoint: []string{"/kube-sample-apiserver"}}},
		{[]testimages.ImageID{testimages.Etcd}, []v1.Layer{etcd}, v1.Config{Cmd: []string{"/usr/local/bin/etcd"}}},
		{[]testimages.ImageID{testimages.Nautilus}, []v1.Layer{alone, demo["nautilus"]}, served},
		{[]testimages.ImageID{testimages.Kitten}, []v1.Layer{alone, demo["kitten"]}, served},
		{
			[]testimages.ImageID{testimages.Agnhost, testimages.AgnhostPrev, testimages.GlibcDnsTesting}, []v1.Layer{tools, host},
			v1.Config{Entrypoint: []string{"/agnhost"}, Cmd: []string{"pause"}},
		},
		{
			[]testimages.ImageID{testimages.BusyBox}, []v1.Layer{busybox},
			v1.Config{Cmd: []string{"sh"}},
		},
		{
			[]testimages.ImageID{testimages.Nginx, testimages.NginxNew}, []v1.Layer{tools, web},
			v1.Config{Cmd: []string{"httpd", "-f", "-p", "80", "-h", page}},
		},
		{
			[]testimages.ImageID{testimages.Pause}, []v1.Layer{alone},
			v1.Config{Entrypoint: []string{"/agnhost", "pause"}, User: "65535:65535"},
		},
		{
			[]testimages.ImageID{testimages.NonRoot}, []v1.Layer{tools, alone},
			v1.Config{Entrypoint: []string{"/agnhost", "pause"}, User: "1234"},
		},
		{
			[]testimages.ImageID{testimages.Nonewprivs}, []v1.Layer{alone}, // set-user-ID, as the real one
			v1.Config{Entrypoint: []string{"/agnhost", "nonewprivs"}},
		},
	}, nil
}

// toolsLayer has busybox with its tools, its shell among them, and bash in place of the shell at a path.
func toolsLayer(shell string) (v1.Layer, error) {
	return layer(func(f *files) {
		f.accounts()
		f.program("bash")
		f.link(shell, "/usr/bin/bash")
		f.busybox()
		f.folder("/tmp", 0o1777)
		f.folder("/root", 0o700)
	})
}
