package embedded

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"sigs.k8s.io/yaml"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

// Config describes a cluster to create. The zero value, completed by WithDefaults, has the nodes and addresses of the
// walkthrough, and the default version of Kubernetes.
type Config struct {
	// Name of the cluster, unique among the clusters of one user on one machine.
	Name string `json:"name,omitempty"`
	// KubernetesVersion selects one of the Kubernetes versions that were built; "" is the newest.
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// APIPort is the port of the API server on the host's loopback; 0 is any free one.
	APIPort uint16 `json:"apiPort,omitempty"`
	// Network is the address plan of the test network.
	Network addressplan.Network `json:"network,omitzero"`
	// Binaries is the folder of the programs to run; "" is the folder of the testbed program itself.
	Binaries string `json:"-"`
	// Logs is the folder for the logs of the cluster's parts; "" is one in the user's cache.
	Logs string `json:"-"`
	// Progress receives each step and how long it took; nil discards them.
	Progress io.Writer `json:"-"`
}

// DefaultName is the default name of a cluster.
const DefaultName = "testbed"

// Names become part of a socket's name and of a folder's.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// WithDefaults returns the configuration with a default for each setting that is not given.
func (c Config) WithDefaults() (Config, error) {
	if c.Name == "" {
		c.Name = DefaultName
	}
	if !validName.MatchString(c.Name) {
		return c, fmt.Errorf("cluster name %q: use up to 40 lower-case letters, digits and dashes", c.Name)
	}
	c.Network = c.Network.WithDefaults()
	if err := c.Network.Validate(); err != nil {
		return c, fmt.Errorf("network of cluster %q: %w", c.Name, err)
	}
	if c.Logs == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return c, fmt.Errorf("finding a folder for logs (set one with --logs): %w", err)
		}
		c.Logs = filepath.Join(cache, "ingress-testbed", c.Name, "logs")
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	return c, nil
}

// ReadConfig reads a Config from a YAML or JSON file. Unknown fields are errors.
func ReadConfig(path string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading cluster configuration: %w", err)
	}
	var c Config
	if err := yaml.UnmarshalStrict(raw, &c); err != nil {
		return Config{}, fmt.Errorf("cluster configuration %s: %w", path, err)
	}
	return c, nil
}
