//go:build linux

package imagepull

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func configJSON(auths string) corev1.Secret {
	return corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "pull"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{` + auths + `}}`)},
	}
}

// users matches secrets and returns the users in their order.
func users(t *testing.T, image string, secrets ...corev1.Secret) []string {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := Match(secrets, ref.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range credentials {
		all = append(all, c.Username)
	}
	return all
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		key     string
		matches []string
		not     []string
	}{
		{"registry.example", []string{"registry.example/web", "registry.example/team/web:1"}, []string{"other.example/web", "registry.example:5000/web"}},
		{"registry.example:5000", []string{"registry.example:5000/web"}, []string{"registry.example/web"}},
		{"https://registry.example/v2/", []string{"registry.example/web"}, nil},
		{"registry.example/team", []string{"registry.example/team", "registry.example/team/web"}, []string{"registry.example/teams/web", "registry.example/web"}},
		{"*.example", []string{"registry.example/web"}, []string{"a.registry.example/web", "registry.other/web"}},
		{"r*.example/team", []string{"registry.example/team/web"}, []string{"other.example/team/web"}},
		{"https://index.docker.io/v1/", []string{"web", "docker.io/team/web", "index.docker.io/team/web"}, []string{"registry.example/web"}},
		{"docker.io", []string{"web"}, nil},
		{"[", nil, []string{"registry.example/web"}},
	} {
		secret := configJSON(`"` + c.key + `":{"username":"me","password":"secret"}`)
		for _, image := range c.matches {
			if got := users(t, image, secret); !slices.Equal(got, []string{"me"}) {
				t.Errorf("%s for %s: %v", c.key, image, got)
			}
		}
		for _, image := range c.not {
			if got := users(t, image, secret); len(got) > 0 {
				t.Errorf("%s for %s: %v", c.key, image, got)
			}
		}
	}
}

func TestMatchOrder(t *testing.T) {
	first := configJSON(`"registry.example":{"username":"first"},"registry.example/team":{"username":"team"}`)
	second := configJSON(`"registry.example":{"username":"second"},"registry.example/team/web":{"auth":"d2ViOnNlY3JldA=="}`)
	if got, want := users(t, "registry.example/team/web:1", first, second), []string{"web", "team", "first", "second"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestMatchOldType(t *testing.T) {
	secret := corev1.Secret{Type: corev1.SecretTypeDockercfg, Data: map[string][]byte{
		corev1.DockerConfigKey: []byte(`{"https://registry.example":{"username":"me"}}`),
	}}
	if got := users(t, "registry.example/web", secret); !slices.Equal(got, []string{"me"}) {
		t.Errorf("users %v", got)
	}
}

func TestUnreadableSecretsAreLeftOut(t *testing.T) {
	good := configJSON(`"registry.example":{"username":"me"}`)
	repository, err := name.NewRepository("registry.example/web")
	if err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[string]corev1.Secret{
		"its type is Opaque": {Type: corev1.SecretTypeOpaque},
		".dockerconfigjson":  {Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte("{")}},
		"auth field":         configJSON(`"registry.example":{"auth":"not base64"}`),
	} {
		credentials, err := Match([]corev1.Secret{bad, good}, repository)
		if err == nil || !strings.Contains(err.Error(), want) || len(credentials) != 1 || credentials[0].Username != "me" {
			t.Errorf("%s: %v, %v", want, credentials, err)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte(`{"auths":{"registry.example/team":{"auth":"d2ViOnNlY3JldA=="}}}`), "registry.example/team/web")
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":{"username":"a"}}}`), "web")
	f.Add([]byte(`{"auths":{"[*?:":{}}}`), "a.b:1/c")
	f.Fuzz(func(t *testing.T, file []byte, image string) {
		repository, err := name.NewRepository(image)
		if err != nil {
			t.Skip()
		}
		secret := corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: file}}
		if credentials, _ := Match([]corev1.Secret{secret}, repository); len(credentials) > maxCredentials {
			t.Errorf("%d credentials", len(credentials))
		}
	})
}
