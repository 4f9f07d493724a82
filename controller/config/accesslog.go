package config

import (
	"fmt"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/accesslog"
	"github.com/ingress-testbed/testbed/proxy/route"
)

// parseAccessLog reads which requests are logged, and how.
func parseAccessLog(r *setting.Reader) route.AccessLog {
	log := route.AccessLog{Off: r.Bool("disable-access-log", false)}
	const skip, format = "skip-access-log-urls", "log-format-upstream"
	texts, _ := r.Text(skip)
	for _, text := range setting.List(texts) {
		if err := accesslog.CheckSkip(text); err != nil {
			r.Invalid(skip, text, "it must be a path, or ~ and a regular expression (RE2)")
			continue
		}
		log.Skip = append(log.Skip, text)
	}
	if r.Bool("log-format-escape-none", false) {
		log.Escape = route.EscapeNone
	}
	if r.Bool("log-format-escape-json", false) { // as in ingress-nginx, it wins
		log.Escape = route.EscapeJSON
	}
	if text, given := r.Text(format); given {
		if _, err := accesslog.ParseFormat(text, log.Escape); err != nil {
			r.Invalid(format, text, fmt.Sprintf("%v; requests are logged as JSON objects", err))
			text = ""
		}
		log.Format = text
	}
	if log.Format == "" {
		log.Escape = route.EscapeDefault // there are no variables
	}
	return log
}
