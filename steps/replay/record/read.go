package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is the most bytes of a file. Files of the project stay below it too, so that people can open them.
const maxFile = 1 << 20

// Read reads the record in a folder and checks it. Files that don't end in .yaml are ignored. setup.yaml
// and exceptions.yaml may be missing.
func Read(files fs.FS) (*Record, error) {
	record := &Record{}
	about, err := readFile(files, AboutFile)
	if err != nil {
		return nil, fmt.Errorf("%w: a record is a folder with %s and a file for each area", err, AboutFile)
	}
	if record.About, err = ParseAbout(about); err != nil {
		return nil, fmt.Errorf("%s: %w", AboutFile, err)
	}
	if record.Setup, err = readFile(files, SetupFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	exceptions, err := readFile(files, ExceptionsFile)
	switch {
	case err == nil:
		if record.Exceptions, err = ParseExceptions(exceptions); err != nil {
			return nil, fmt.Errorf("%s: %w", ExceptionsFile, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the files of the record: %w", err)
	}
	for _, name := range names {
		if name == AboutFile || name == SetupFile || name == ExceptionsFile {
			continue
		}
		content, err := readFile(files, name)
		if err != nil {
			return nil, err
		}
		area, err := ParseArea(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		record.Areas = append(record.Areas, area)
	}
	if err := record.check(); err != nil {
		return nil, err
	}
	return record, nil
}

func readFile(files fs.FS, name string) ([]byte, error) {
	file, err := files.Open(path.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("reading the record: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the record's %s: %w", name, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("the record's %s is larger than %d bytes: divide it into two areas", name, maxFile)
	}
	return content, nil
}

// ParseAbout reads and checks record.yaml.
func ParseAbout(content []byte) (About, error) {
	var about About
	if err := decode(content, &about); err != nil {
		return About{}, err
	}
	if err := checkKind(about.APIVersion, about.Kind, KindRecord); err != nil {
		return About{}, err
	}
	for _, secret := range about.Secrets {
		if err := secret.check(); err != nil {
			return About{}, err
		}
	}
	return about, nil
}

// ParseArea reads and checks the file of an area.
func ParseArea(content []byte) (Area, error) {
	var area Area
	if err := decode(content, &area); err != nil {
		return Area{}, err
	}
	if err := checkKind(area.APIVersion, area.Kind, KindArea); err != nil {
		return Area{}, err
	}
	if area.Area == "" || len(area.Cases) == 0 {
		return Area{}, errors.New("the file needs an area and at least one case")
	}
	for i := range area.Cases {
		area.Cases[i].Area = area.Area
		if err := area.Cases[i].check(); err != nil {
			return Area{}, fmt.Errorf("case %q: %w", area.Cases[i].Name, err)
		}
	}
	return area, nil
}

// decode reads one document. Unknown fields are errors, because they are misspelt ones.
func decode(content []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file is empty")
		}
		return fmt.Errorf("reading YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("the file has more than one document")
	}
	return nil
}

func checkKind(version, kind, want string) error {
	if version != APIVersion || kind != want {
		return fmt.Errorf("it has apiVersion %q and kind %q instead of %q and %q", version, kind, APIVersion, want)
	}
	return nil
}

func (s *Secret) check() error {
	given := 0
	for _, has := range []bool{len(s.Hosts) > 0, s.Authority != "", len(s.Data) > 0} {
		if has {
			given++
		}
	}
	if s.Name == "" || given != 1 {
		return fmt.Errorf("the secret %q needs a name and one of hosts, authority and data", s.Name)
	}
	return nil
}

// check validates across files: names that occur twice, and exceptions of unknown checks.
func (r *Record) check() error {
	cases := map[string]*Case{}
	for _, one := range r.Cases() {
		if cases[one.Name] != nil {
			return fmt.Errorf("there are two cases with the name %q", one.Name)
		}
		cases[one.Name] = one
	}
	if len(cases) == 0 {
		return fmt.Errorf("the record has no cases: add a file with kind: %s", KindArea)
	}
	return r.checkExceptions(cases)
}

// Unanswered reports whether no request has answers, as in cases that are still to be recorded.
func (r *Record) Unanswered() bool {
	for _, one := range r.Cases() {
		for _, request := range one.Requests {
			if len(request.Answers) > 0 {
				return false
			}
		}
	}
	return true
}

// FileName is the name of an area's file.
func FileName(area string) string { return strings.ReplaceAll(area, " ", "-") + ".yaml" }
