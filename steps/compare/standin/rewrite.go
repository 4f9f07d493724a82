package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

// rewrite changes the settings that lead outside, and the lists of addresses.
func (s *StandIns) rewrite() {
	for _, ingress := range s.Ingresses {
		s.rewriteIngress(ingress)
	}
	if s.Settings == nil {
		return
	}
	settings := s.Settings.Data
	if text := settings["global-auth-url"]; text != "" {
		settings["global-auth-url"] = s.authServer(text, "ConfigMap "+estate.Key(s.Settings).String())
	}
	extend(settings, "whitelist-source-range", s.options.Allowed)
	extend(settings, "denylist-source-range", s.options.Denied)
}

func (s *StandIns) rewriteIngress(ingress *networkingv1.Ingress) {
	annotations, name := ingress.Annotations, "Ingress "+estate.Key(ingress).String()
	if text, _ := estate.Annotation(ingress, "auth-url"); text != "" {
		annotations[estate.Prefix+"auth-url"] = s.authServer(text, name)
	}
	if text, _ := estate.Annotation(ingress, "mirror-target"); text != "" {
		annotations[estate.Prefix+"mirror-target"] = s.server("mirror", text)
		s.note("send copies of requests to a stand-in", name)
	}
	for _, list := range []string{"whitelist-source-range", "allowlist-source-range"} {
		extend(annotations, estate.Prefix+list, s.options.Allowed)
	}
	extend(annotations, estate.Prefix+"denylist-source-range", s.options.Denied)
}

// extend adds a network to a list, unless the list or the network is empty.
func extend(settings map[string]string, name, network string) {
	if list := strings.TrimSpace(settings[name]); list != "" && network != "" {
		settings[name] = list + "," + network
	}
}

// authServer returns the URL of the stand-in for an authentication server, with the path and the query of the user's.
func (s *StandIns) authServer(text, object string) string {
	s.note("are authenticated by a stand-in: it lets in requests with "+AuthHeader+": 200", object)
	return s.server("auth", text)
}

// server returns a URL with the host of a stand-in instead of its own. What isn't a URL stays as it is: it has to be refused.
func (s *StandIns) server(name, text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "http" && scheme != "https" || rest == "" {
		return text
	}
	if _, err := url.Parse(text); err != nil && !strings.Contains(text, "$") {
		return text
	}
	key := types.NamespacedName{Namespace: s.options.Namespace, Name: name}
	if s.made[key] == nil {
		service := newService(key)
		if name == "auth" {
			s.addPortAt(service, corev1.ServicePort{Name: "http", Port: 80}, backends.AuthPort)
		} else {
			s.addPort(service, corev1.ServicePort{Name: "http", Port: 80})
		}
		s.made[key] = service
	}
	path := "/"
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		path = "/" + strings.TrimPrefix(rest[at:], "/")
	}
	return "http://" + hostOf(key) + path
}

// shortName is a DNS label for a text.
func shortName(prefix, text string) string {
	sum := sha256.Sum256([]byte(text))
	return prefix + "-" + hex.EncodeToString(sum[:5])
}
