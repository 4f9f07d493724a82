//go:build linux

package registry

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// maxMessage bounds an error's text in bytes: it may quote what a registry sent.
const maxMessage = 1024

// Error is why an image can't be pulled, in one line.
type Error struct{ Cause error }

func (e *Error) Error() string {
	text := strings.Join(strings.Fields(e.Cause.Error()), " ")
	if isRefusal(e.Cause) {
		text = "it doesn't exist in the registry, or these credentials don't open it: " + text
	}
	if len(text) <= maxMessage {
		return text
	}
	text = text[:maxMessage]
	for !utf8.ValidString(text) && len(text) > 0 { // the cut may be inside a character
		text = text[:len(text)-1]
	}
	return text + "…"
}

func (e *Error) Unwrap() error { return e.Cause }

// isRefusal reports whether other credentials may help. Registries answer 401, 403 or 404 for an image that must not be
// seen.
func isRefusal(err error) bool {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return false
}
