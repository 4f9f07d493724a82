// Package features holds the feature files, so that a binary alone can run them.
//
//	walkthroughs  replay an article, output by output
//	conformance   what an ingress must do, on any cluster and whatever else runs in it
//	load          steady rates
package features

import (
	"embed"
	"io/fs"
)

//go:embed walkthroughs conformance load
var files embed.FS

// Files are the feature files and the manifests that they name.
func Files() fs.FS { return files }
