package config

import (
	"math"
	"slices"
	"strings"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/compress"
)

// parseCompression returns the codings that replies are compressed with, the preferred one first; none if they are not.
func parseCompression(r *setting.Reader) []compress.Settings {
	var codings []compress.Settings
	if on, brotli := r.Bool("enable-brotli", false), parseBrotli(r); on {
		codings = append(codings, brotli)
	}
	if on, gzip := r.Bool("use-gzip", false), parseGzip(r); on {
		codings = append(codings, gzip)
	}
	return codings
}

func parseGzip(r *setting.Reader) compress.Settings {
	return compress.Settings{
		Coding:    compress.Gzip,
		Level:     r.Int("gzip-level", 1, 9, 1),
		MinLength: int64(r.Int("gzip-min-length", 0, math.MaxInt32, 256)),
		Types:     parseTypes(r, "gzip-types", commonTypes()),
		Except:    parseExcept(r),
	}
}

func parseBrotli(r *setting.Reader) compress.Settings {
	return compress.Settings{
		Coding:    compress.Brotli,
		Level:     r.Int("brotli-level", 0, 11, 4),
		MinLength: int64(r.Int("brotli-min-length", 0, math.MaxInt32, 20)),
		Types:     parseTypes(r, "brotli-types", append([]string{"application/xml+rss"}, commonTypes()...)),
	}
}

// parseExcept reads the regular expression of the clients that get no gzip. nginx's mask msie6 stands for Internet Explorer
// 4 to 6.
func parseExcept(r *setting.Reader) string {
	const name = "gzip-disable"
	text, _ := r.Text(name)
	if text == "msie6" {
		return `MSIE [4-6]\.`
	}
	if _, err := (compress.Settings{Except: text}).Compile(); err != nil {
		r.Invalid(name, text, "it must be a regular expression (RE2)")
		return ""
	}
	return text
}

func parseTypes(r *setting.Reader, name string, otherwise []string) []string {
	types := otherwise
	if text := r.Checked(name, isTypes, "it must be a list of media types, such as text/css application/json"); text != "" {
		types = strings.Fields(strings.ToLower(text))
	}
	if !slices.Contains(types, "text/html") { // nginx always compresses it
		types = append(types, "text/html")
	}
	return types
}

func isTypes(text string) bool {
	return !slices.ContainsFunc(strings.Fields(text), func(name string) bool {
		kind, rest, found := strings.Cut(name, "/")
		return name != "*" && (!found || !setting.IsToken(kind) || !setting.IsToken(rest))
	})
}

// commonTypes are those that ingress-nginx compresses by default.
func commonTypes() []string {
	return []string{
		"application/atom+xml", "application/javascript", "application/x-javascript", "application/json", "application/rss+xml",
		"application/vnd.ms-fontobject", "application/x-font-ttf", "application/x-web-app-manifest+json", "application/xhtml+xml",
		"application/xml", "font/opentype", "image/svg+xml", "image/x-icon", "text/css", "text/javascript", "text/plain",
		"text/x-component",
	}
}
