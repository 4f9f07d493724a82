//go:build linux

package image

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// ParseName parses the name of an image as a Pod has it. The error wraps ErrInvalidName.
func ParseName(imageName string) (name.Reference, error) {
	ref, err := name.ParseReference(imageName)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidName, err)
	}
	return ref, nil
}

// FullName is a name with registry, repository and tag or digest, such as "docker.io/library/web:latest".
func FullName(ref name.Reference) string { return familiar(ref.Name()) }

// repository is a name without tag and digest.
func repository(ref name.Reference) string { return familiar(ref.Context().Name()) }

// familiar replaces the library's name of Docker's registry by the one that everything else uses.
func familiar(full string) string {
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return full
}

// canonical is FullName of an unparsed name.
func canonical(imageName string) (string, error) {
	ref, err := ParseName(imageName)
	if err != nil {
		return "", err
	}
	return FullName(ref), nil
}

// OtherDigestError is Get's error for a name with a digest if the store has the same tag, or else the same repository,
// with another digest. It wraps ErrNotFound.
type OtherDigestError struct {
	// Wanted is the name as given.
	Wanted string
	// Present is the image in the store.
	Present Image
}

func (e *OtherDigestError) Error() string {
	present := fmt.Sprintf("%s is there, but has the digest %s", e.Present.Name, e.Present.Digest)
	if e.Present.Digest == "" {
		present = e.Present.Name + " is there, but has no digest, as its archive is from `docker save`: leave the digest out of the image's name"
	}
	return fmt.Sprintf("image %s: %v; %s", e.Wanted, ErrNotFound, present)
}

func (e *OtherDigestError) Unwrap() error { return ErrNotFound }

// explainMissing returns an OtherDigestError for a name with a digest if the store has another image that may be meant,
// and otherwise the given error.
func (s *Store) explainMissing(ref name.Reference, imageName string, missing error) error {
	if _, ok := ref.(name.Digest); !ok {
		return missing
	}
	all, err := s.List()
	if err != nil {
		return missing
	}
	// The library drops a tag beside a digest.
	tagged, _, _ := strings.Cut(imageName, "@")
	wantedTag, err := canonical(tagged)
	var found *Image
	for i := range all {
		if all[i].Repository != repository(ref) || strings.Contains(all[i].Name, "@") {
			continue
		}
		if found == nil || err == nil && all[i].Name == wantedTag {
			found = &all[i]
		}
	}
	if found == nil {
		return missing
	}
	return &OtherDigestError{Wanted: imageName, Present: *found}
}
