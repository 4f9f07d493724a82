package config

import (
	"math"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/compress"
)

// parseCompression returns the zero value if replies are not compressed.
func parseCompression(r *setting.Reader) compress.Settings {
	on := r.Bool("use-gzip", false)
	settings := compress.Settings{
		Level:     r.Int("gzip-level", 1, 9, 1),
		MinLength: int64(r.Int("gzip-min-length", 0, math.MaxInt32, 256)),
		Types:     compressedTypes(),
	}
	if text := r.Checked("gzip-types", isTypes, "it must be a list of media types, such as text/css application/json"); text != "" {
		settings.Types = strings.Fields(strings.ToLower(text))
	}
	if !slices.Contains(settings.Types, "text/html") { // nginx always compresses it
		settings.Types = append(settings.Types, "text/html")
	}
	if !on {
		return compress.Settings{}
	}
	return settings
}

func isTypes(text string) bool {
	return !slices.ContainsFunc(strings.Fields(text), func(name string) bool {
		kind, rest, found := strings.Cut(name, "/")
		return name != "*" && (!found || !setting.IsToken(kind) || !setting.IsToken(rest))
	})
}

// compressedTypes are those that ingress-nginx compresses by default.
func compressedTypes() []string {
	return []string{
		"application/atom+xml", "application/javascript", "application/x-javascript", "application/json", "application/rss+xml",
		"application/vnd.ms-fontobject", "application/x-font-ttf", "application/x-web-app-manifest+json", "application/xhtml+xml",
		"application/xml", "font/opentype", "image/svg+xml", "image/x-icon", "text/css", "text/javascript", "text/plain",
		"text/x-component",
	}
}
