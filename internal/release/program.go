// Package release makes the archives of a release: what `make release` built for a platform, with the licences of all
// that is linked into it and a software bill of materials. Equal inputs give equal archives, to the last byte.
package release

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// Program is a Go executable that an archive holds, as a file or in an image.
type Program struct {
	// Path of the file on this machine.
	Path string
	// Name is the slash-separated path below the folder of the build, such as "kubernetes/v1.37.2/kube".
	Name string
	// Info is what the linker recorded: the main package, the modules, and the settings of the build.
	Info *debug.BuildInfo
}

// Programs returns all Go executables below a folder, in the order of their names.
func Programs(folder string) ([]Program, error) {
	var programs []Program
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := entry.Info()
		if err != nil || file.Mode()&0o111 == 0 {
			return err
		}
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading the build information of %s: %w", path, err)
		}
		name, err := filepath.Rel(folder, path)
		programs = append(programs, Program{Path: path, Name: filepath.ToSlash(name), Info: info})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for programs in %s: %w", folder, err)
	}
	if len(programs) == 0 {
		return nil, fmt.Errorf("%s has no programs", folder)
	}
	return programs, nil
}

// setting returns a setting of the program's build, such as GOARCH; empty if it was not recorded.
func (p Program) setting(key string) string {
	at := slices.IndexFunc(p.Info.Settings, func(s debug.BuildSetting) bool { return s.Key == key })
	if at < 0 {
		return ""
	}
	return p.Info.Settings[at].Value
}

// goPackage is a package that is linked into a program, as `go list` prints it.
type goPackage struct {
	ImportPath, Dir string
	Standard        bool
	Module          *goModule
}

// goModule is a module as `go list` prints it. Dir is that of the replacement, if the module has one.
type goModule struct {
	Path, Version, Dir string
	Main               bool
	Replace            *goModule
}

// name returns the path and version of what was linked: the replacement's, if the module has one.
func (m *goModule) name() string {
	if m.Replace != nil {
		m = m.Replace
	}
	return m.Path + " " + m.Version
}

// packages lists what is linked into the program, with the sources of the module that it was built in: the first of
// those in the folders that has all of the linked versions.
func (p Program) packages(ctx context.Context, folders []string) ([]goPackage, error) {
	problems := []error{fmt.Errorf("%s was not built from these modules, or with other versions: build it again", p.Name)}
	for _, folder := range folders {
		packages, err := p.packagesIn(ctx, folder)
		if err == nil {
			return packages, nil
		}
		problems = append(problems, fmt.Errorf("in %s: %w", folder, err))
	}
	return nil, errors.Join(problems...)
}

func (p Program) packagesIn(ctx context.Context, folder string) ([]goPackage, error) {
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,Standard,Module", "-tags="+p.setting("-tags"), p.Info.Path)
	list.Dir = folder
	list.Env = append(os.Environ(), "GOOS="+p.setting("GOOS"), "GOARCH="+p.setting("GOARCH"), "CGO_ENABLED="+p.setting("CGO_ENABLED"))
	var problems strings.Builder
	list.Stderr = &problems
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the packages of %s: %w: %s", p.Name, err, problems.String())
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var one goPackage
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return packages, p.checkVersions(packages)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the packages of %s: %w", p.Name, err)
		}
		packages = append(packages, one)
	}
}

// checkVersions compares the modules of packages with those that were linked.
func (p Program) checkVersions(packages []goPackage) error {
	linked := make(map[string]bool)
	for _, module := range append(p.Info.Deps, &p.Info.Main) { // that of a dependency's program has a version too
		if module.Replace != nil {
			module = module.Replace
		}
		linked[module.Path+" "+strings.TrimPrefix(module.Version, "(devel)")] = true // a folder has no version
	}
	for _, one := range packages {
		if one.Standard || one.Module == nil || one.Module.Main {
			continue
		}
		if name := one.Module.name(); !linked[name] {
			return fmt.Errorf("%s differs from the file that was linked", name)
		}
	}
	return nil
}
