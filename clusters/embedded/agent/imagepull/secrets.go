//go:build linux

package imagepull

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"
)

// maxCredentials bounds how many credentials are tried for an image.
const maxCredentials = 16

// Match returns the credentials of image pull secrets that fit a repository, those of the longest path first, and of the
// first secret before those of the second (Kubernetes documentation, "Images": interpretation of config.json). Secrets
// that can't be read are left out, and the error says why.
func Match(secrets []corev1.Secret, repository name.Repository) ([]authn.AuthConfig, error) {
	var found []entry
	var errs []error
	for i := range secrets {
		entries, err := read(&secrets[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("secret %s: %w", secrets[i].Name, err))
		}
		for _, e := range entries {
			if e.matches(repository) {
				found = append(found, e)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int { return len(b.path) - len(a.path) })
	var all []authn.AuthConfig
	for _, e := range found[:min(len(found), maxCredentials)] {
		if !slices.Contains(all, e.config) {
			all = append(all, e.config)
		}
	}
	return all, errors.Join(errs...)
}

// entry has credentials for the repositories below a path of a registry.
type entry struct {
	// host may have a port, and wildcards in its labels.
	host string
	// path is of whole segments; "" covers all repositories.
	path   string
	config authn.AuthConfig
}

// read reads a secret of one of the two types for image pulls.
func read(secret *corev1.Secret) ([]entry, error) {
	var auths map[string]authn.AuthConfig
	switch secret.Type {
	case corev1.SecretTypeDockerConfigJson:
		var file struct {
			Auths map[string]authn.AuthConfig `json:"auths"`
		}
		if err := json.Unmarshal(secret.Data[corev1.DockerConfigJsonKey], &file); err != nil {
			return nil, fmt.Errorf("key %s: %w", corev1.DockerConfigJsonKey, err)
		}
		auths = file.Auths
	case corev1.SecretTypeDockercfg:
		if err := json.Unmarshal(secret.Data[corev1.DockerConfigKey], &auths); err != nil {
			return nil, fmt.Errorf("key %s: %w", corev1.DockerConfigKey, err)
		}
	default:
		return nil, fmt.Errorf("its type is %s, not %s", secret.Type, corev1.SecretTypeDockerConfigJson)
	}
	var entries []entry
	for _, key := range slices.Sorted(maps.Keys(auths)) {
		e := entry{config: auths[key]}
		e.host, e.path = splitKey(key)
		entries = append(entries, e)
	}
	return entries, nil
}

// splitKey splits the name of an entry, "registry.example/team" or "https://index.docker.io/v1/". Docker's registry has
// two names, and entries may end with the version of its API.
func splitKey(key string) (host, repositories string) {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, repositories, _ = strings.Cut(key, "/")
	repositories = strings.Trim(repositories, "/")
	if repositories == "v1" || repositories == "v2" {
		repositories = ""
	}
	if host == "docker.io" {
		host = name.DefaultRegistry
	}
	return host, repositories
}

func (e entry) matches(repository name.Repository) bool {
	if e.path != "" && e.path != repository.RepositoryStr() && !strings.HasPrefix(repository.RepositoryStr(), e.path+"/") {
		return false
	}
	return matchesHost(e.host, repository.RegistryStr())
}

// matchesHost compares label by label, as a wildcard doesn't match a dot.
func matchesHost(pattern, host string) bool {
	patternName, patternPort, _ := strings.Cut(pattern, ":")
	hostName, hostPort, _ := strings.Cut(host, ":")
	wanted, given := strings.Split(patternName, "."), strings.Split(hostName, ".")
	if patternPort != hostPort || len(wanted) != len(given) {
		return false
	}
	for i := range wanted {
		if ok, err := path.Match(wanted[i], given[i]); err != nil || !ok {
			return false
		}
	}
	return true
}
