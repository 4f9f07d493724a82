package embedded

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

// Provider gets embedded clusters.
type Provider struct{ settings *Settings }

var _ clusters.Provider = (*Provider)(nil)

// NewProvider returns a provider with the flags of NewSettings.
func NewProvider() *Provider { return &Provider{NewSettings()} }

// Kind is "embedded".
func (p *Provider) Kind() string { return "embedded" }

// Flags are the settings of a new cluster.
func (p *Provider) Flags() *pflag.FlagSet { return p.settings.Flags() }

// Check connects to the cluster that is named, if it is running. Otherwise it checks that a cluster can be created.
func (p *Provider) Check(ctx context.Context, request clusters.Request) (clusters.Source, error) {
	config, err := p.settings.Config(request.Name, request.Progress)
	if err != nil {
		return nil, err
	}
	if request.Existing {
		config.Name = cmp.Or(config.Name, DefaultName)
		if _, err := Find(ctx, config.Name); err != nil {
			return nil, err
		}
	}
	var running *Cluster
	if config.Name != "" {
		if cluster, err := Connect(ctx, config.Name); err == nil { // otherwise Config.Check has the error
			running = cluster
		}
	}
	config.Name = cmp.Or(config.Name, fmt.Sprintf("run-%d", os.Getpid()))
	if running == nil {
		checked := config
		checked.Logs = cmp.Or(config.Logs, os.TempDir()) // the user's cache folder isn't needed
		if err := checked.Check(ctx); err != nil {
			return nil, err
		}
	}
	programs, err := config.Programs()
	if err != nil {
		return nil, err
	}
	properties := clusters.Properties{Images: programs.Images(), Kubectl: []string{programs.Kube, "kubectl"}}
	if running != nil {
		return runningSource{running, properties}, nil
	}
	properties.Disposable = true
	config.Network = config.Network.WithManyServices() // so that scenarios needn't delete theirs
	return newSource(config, properties)
}

// runningSource is a cluster that another process created.
type runningSource struct {
	cluster    *Cluster
	properties clusters.Properties
}

func (s runningSource) Properties() clusters.Properties               { return s.properties }
func (s runningSource) Get(context.Context) (clusters.Cluster, error) { return s.cluster, nil }
func (s runningSource) Close() error                                  { return nil }

// source is a cluster to be created.
type source struct {
	config     Config
	properties clusters.Properties
	logs       *tempdir.Dir // nil if the logs are in a folder that was given
	keepLogs   bool
}

// newSource gives the cluster a temporary folder for its logs, unless there is a setting. The reports of a run keep a copy
// of the logs if a scenario fails.
func newSource(config Config, properties clusters.Properties) (*source, error) {
	s := &source{config: config, properties: properties}
	if config.Logs == "" {
		var err error
		if s.logs, err = tempdir.Make("logs"); err != nil {
			return nil, err
		}
		s.config.Logs = s.logs.Path()
	}
	return s, nil
}

func (s *source) Properties() clusters.Properties { return s.properties }

func (s *source) Get(ctx context.Context) (clusters.Cluster, error) {
	fmt.Fprintf(s.config.Progress, "Starting a cluster (about 10 s)\n")
	start := time.Now()
	cluster, err := Create(ctx, s.config)
	if err != nil {
		s.keepLogs = ctx.Err() == nil // the error refers to them, and there will be no report with a copy
		return nil, err
	}
	fmt.Fprintf(s.config.Progress, "  Kubernetes %s with %d nodes, after %.1f s\n\n",
		cluster.Version(), len(s.config.Network.WithDefaults().Nodes), time.Since(start).Seconds())
	return cluster, nil
}

// Close removes the logs, unless the cluster could not be created or they are in a folder that was given.
func (s *source) Close() error {
	switch {
	case s.logs == nil:
		os.Remove(s.config.Logs) //nolint:errcheck // succeeds only if it is empty
		return nil
	case s.keepLogs:
		return s.logs.Keep()
	}
	return s.logs.Remove()
}
