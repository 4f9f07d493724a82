package clusters

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Archives returns the paths of image archives that `make build` writes to dir.
func Archives(dir string, names ...string) ([]string, error) {
	paths := make([]string, 0, len(names))
	for _, name := range names {
		path := filepath.Join(dir, name+".tar")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s is not built: run `make build` first", path)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
