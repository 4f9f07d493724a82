package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// Programs are the paths of what a cluster runs.
//
//	BINARIES/testbed                      this program; BINARIES is `bin`, or the folder of a release's archive
//	BINARIES/kubernetes/v1.37.2/kube      the control plane and kubectl, one folder a version
//	BINARIES/cni/bridge, host-local, …    CNI plug-ins
//	BINARIES/images/*.tar                 images
type Programs struct {
	// Testbed, Kube and CNI are paths of two programs and a folder, and DNS that of an archive, the image of CoreDNS.
	Testbed, Kube, CNI, DNS string
	// Version of Kubernetes, "v1.37.2".
	Version string
}

// howToGet is the remedy for missing programs.
const howToGet = "run `make build`, or unpack the whole archive of a release"

// Programs finds the programs that a cluster of this configuration runs. The error says what to build.
func (c Config) Programs() (Programs, error) {
	testbed, err := findTestbed(c.Binaries)
	if err != nil {
		return Programs{}, err
	}
	dir := filepath.Dir(testbed)
	chosen, err := chooseVersion(filepath.Join(dir, "kubernetes"), c.KubernetesVersion)
	if err != nil {
		return Programs{}, err
	}
	p := Programs{
		Testbed: testbed, Version: chosen,
		Kube: filepath.Join(dir, "kubernetes", chosen, "kube"), CNI: filepath.Join(dir, "cni"),
		DNS: filepath.Join(dir, "images", "coredns.tar"),
	}
	for _, path := range []string{p.Kube, filepath.Join(p.CNI, "bridge"), filepath.Join(p.CNI, "portmap"), p.DNS} {
		if _, err := os.Stat(path); err != nil {
			return Programs{}, fmt.Errorf("%s is missing: %s", path, howToGet)
		}
	}
	return p, nil
}

// Images are the archives of the project's own images.
func (p Programs) Images() []string {
	dir := filepath.Join(filepath.Dir(p.Testbed), "images")
	return []string{filepath.Join(dir, "controller.tar"), filepath.Join(dir, "backends.tar")}
}

// findTestbed finds the testbed program: this process if it is that, or one beside it or in the PATH, for other
// programs that use this package.
func findTestbed(binaries string) (string, error) {
	if binaries != "" {
		return filepath.Abs(filepath.Join(binaries, "testbed"))
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding the running program: %w", err)
	}
	if filepath.Base(self) == "testbed" {
		return self, nil
	}
	path, err := exec.LookPath("testbed")
	if err != nil {
		return "", fmt.Errorf("the testbed program is not in the PATH: %s, and add the program's folder to the PATH: %w", howToGet, err)
	}
	// What it needs is beside the program, not beside a link to it.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", fmt.Errorf("finding the testbed program: %w", err)
	}
	return filepath.Abs(path)
}

// chooseVersion picks a built Kubernetes version: the newest, or the newest that wanted ("1.36", "v1.36.3") names.
func chooseVersion(dir, wanted string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("no Kubernetes beside the testbed program (%w): %s", err, howToGet)
	}
	var built []*version.Version
	for _, entry := range entries {
		if v, err := version.ParseSemantic(entry.Name()); err == nil {
			built = append(built, v)
		}
	}
	slices.SortFunc(built, func(a, b *version.Version) int {
		if a.LessThan(b) {
			return 1
		}
		return -1
	})
	wanted = strings.TrimPrefix(wanted, "v")
	for _, v := range built {
		if s := v.String(); wanted == "" || s == wanted || strings.HasPrefix(s, wanted+".") {
			return "v" + s, nil
		}
	}
	return "", fmt.Errorf("kubernetes %s is not built; available: %s", wanted, joinVersions(built))
}

func joinVersions(versions []*version.Version) string {
	if len(versions) == 0 {
		return "none (" + howToGet + ")"
	}
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.String()
	}
	return strings.Join(names, ", ")
}
