package embedded

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
)

// Settings of a new cluster on a command line.
type Settings struct {
	file, version, logs string
	workers             int
	apiPort             uint16
	flags               *pflag.FlagSet
}

const (
	defaultWorkers = 3
	maxWorkers     = 99
)

// NewSettings returns settings whose flags default to K8S_VERSION.
func NewSettings() *Settings {
	s := &Settings{flags: pflag.NewFlagSet("embedded", pflag.ContinueOnError)}
	s.flags.StringVar(&s.file, "config", "", "YAML `file` with the cluster's addresses and nodes (docs/embedded-cluster.md)")
	s.flags.StringVar(&s.version, "kubernetes-version", os.Getenv("K8S_VERSION"), "Kubernetes `version`, as 1.37 or v1.37.2 (default the newest built)")
	s.flags.StringVar(&s.logs, "logs", "", "`folder` for logs (default in the user's cache)")
	s.flags.IntVar(&s.workers, "workers", defaultWorkers, "`number` of nodes in addition to the one with the control plane")
	s.flags.Uint16Var(&s.apiPort, "api-port", 0, "loopback `port` for the API server (default any free one)")
	return s
}

// Flags that set the settings.
func (s *Settings) Flags() *pflag.FlagSet { return s.flags }

// Config returns the configuration of a cluster: the file's, overridden by the other flags and by name, if that is set.
func (s *Settings) Config(name string, progress io.Writer) (Config, error) {
	var config Config
	if s.file != "" {
		var err error
		if config, err = ReadConfig(s.file); err != nil {
			return config, err
		}
	}
	if name != "" {
		config.Name = name
	}
	if s.version != "" {
		config.KubernetesVersion = s.version
	}
	if s.apiPort != 0 {
		config.APIPort = s.apiPort
	}
	workersSet := s.flags.Changed("workers")
	switch {
	case s.workers < 0 || s.workers > maxWorkers:
		return config, fmt.Errorf("invalid --workers %d: a cluster has 0 to %d", s.workers, maxWorkers)
	case workersSet && len(config.Network.Nodes) > 0:
		return config, fmt.Errorf("--workers can't be combined with the nodes listed in %s", s.file)
	case workersSet:
		config.Network = config.Network.WithWorkers(s.workers)
	}
	config.Logs, config.Progress = s.logs, progress
	return config, nil
}

// Checked returns the complete configuration of a cluster that can be created.
func (s *Settings) Checked(ctx context.Context, name string, progress io.Writer) (Config, error) {
	config, err := s.Config(name, progress)
	if err != nil {
		return config, err
	}
	if config, err = config.WithDefaults(); err != nil {
		return config, err
	}
	return config, config.Check(ctx)
}
