package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// ChecksumFile is the name of the file with the checksums of a release, which `sha256sum --check` reads.
const ChecksumFile = "SHA256SUMS"

// WriteChecksums writes the checksums of files of a folder to ChecksumFile in it.
func WriteChecksums(folder string, files []string) error {
	return WriteFile(filepath.Join(folder, ChecksumFile), func(to io.Writer) error {
		for _, name := range slices.Sorted(slices.Values(files)) {
			sum, err := checksum(filepath.Join(folder, name))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(to, "%s  %s\n", sum, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// checksum returns the SHA-256 of a file, in hexadecimal.
func checksum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("computing a checksum: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", fmt.Errorf("computing the checksum of %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
