package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Write writes the record into a folder, which is created if necessary. Files of areas that the record doesn't have stay.
func (r *Record) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("creating the folder of the record: %w", err)
	}
	files := map[string][]byte{}
	if r.Setup != nil {
		files[SetupFile] = r.Setup
	}
	var err error
	if files[AboutFile], err = Encode(r.About); err != nil {
		return err
	}
	if len(r.Exceptions) > 0 {
		exceptions := Exceptions{APIVersion: APIVersion, Kind: KindExceptions, Exceptions: r.Exceptions}
		if files[ExceptionsFile], err = Encode(exceptions); err != nil {
			return err
		}
	}
	for _, area := range r.Areas {
		if files[FileName(area.Area)], err = Encode(area); err != nil {
			return err
		}
	}
	for name, content := range files {
		if len(content) > maxFile {
			return fmt.Errorf("the record's %s would be larger than %d bytes: divide the cases into more areas", name, maxFile)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("writing the record: %w", err)
		}
	}
	return nil
}

// Encode returns the YAML of a file of a record.
func Encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encoding the record: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encoding the record: %w", err)
	}
	return text.Bytes(), nil
}
