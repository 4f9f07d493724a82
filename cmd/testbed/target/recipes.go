package target

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ingress-testbed/testbed/fixtures/recipes"
)

// UseRecipe has the run deploy a controller in place of the test-bed's own: NAME or NAME@VERSION.
func (f *Flags) UseRecipe(text string) { f.existing.recipe = text }

// deployed is the recipe of the controller that the run deploys; nil for the test-bed's own.
func (f *existingFlags) deployed() (*recipes.Recipe, error) {
	if f.recipe == "" {
		return nil, nil //nolint:nilnil // see above
	}
	found, err := recipes.Find(f.recipe)
	if err != nil {
		return nil, err
	}
	_, err = found.Objects()
	return found, err
}

// archives are those of a recipe's images that are at hand. The others are pulled.
func archives(r *recipes.Recipe) ([]string, error) {
	folder, err := ImageDir()
	if err != nil {
		return nil, err
	}
	images, err := r.Images()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, image := range images {
		name := filepath.Join(folder, "others", recipes.Archive(image))
		_, err := os.Stat(name)
		switch {
		case err == nil:
			all = append(all, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return all, nil
}
