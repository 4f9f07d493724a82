// Package features embeds the feature files, so that the binary can run them on its own.
//
//	walkthroughs  replay an article with its commands and outputs
//	conformance   the behaviour of an ingress controller, on any cluster
//	load          requests at a constant rate
//	resilience    requests while something changes or breaks
package features

import (
	"embed"
	"io/fs"
)

//go:embed walkthroughs conformance load resilience/*.feature resilience/manifests
var files embed.FS

// Files returns the feature files and the manifests that they refer to.
func Files() fs.FS { return files }
