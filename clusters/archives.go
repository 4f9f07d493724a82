package clusters

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Archives returns the paths of image archives in dir.
func Archives(dir string, names ...string) ([]string, error) {
	paths := make([]string, 0, len(names))
	for _, name := range names {
		path := filepath.Join(dir, name+".tar")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s is missing: run `make build`, or unpack the whole archive of a release", path)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
