package config

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy"
)

// parseRetry returns the zero value if no setting of retries is given. With always, requests of all methods are retried.
func parseRetry(r *setting.Reader, defaults policy.Retry, always bool) policy.Retry {
	const on, attempts, within = "proxy-next-upstream", "proxy-next-upstream-tries", "proxy-next-upstream-timeout"
	retry := defaults
	if text := r.Checked(on, isRetry, `it must be "off", or some of `+strings.Join(retryConditions(), ", ")); text != "" {
		retry = newRetry(text, retry)
	} else if always && defaults.Equal(policy.Retry{}) {
		retry = newRetry("error timeout", retry) // nginx's default
	}
	retry.NonIdempotent = retry.NonIdempotent || always && !retry.Never
	_, given := r.Text(attempts)
	retry.Attempts = r.Int(attempts, 0, math.MaxInt32, retry.Attempts)
	if given && retry.Attempts == 0 { // as many as there are endpoints
		retry.Attempts = math.MaxInt32
	}
	retry.Within = time.Duration(r.Int(within, 0, math.MaxInt32, int(retry.Within/time.Second))) * time.Second
	return retry
}

// retryStatuses are the conditions that are statuses of replies.
func retryStatuses() map[string]int {
	return map[string]int{
		"http_500": 500, "http_502": 502, "http_503": 503, "http_504": 504, "http_403": 403, "http_404": 404, "http_429": 429,
	}
}

func retryConditions() []string {
	return []string{
		"error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504", "http_403", "http_404", "http_429",
		"non_idempotent",
	}
}

func isRetry(text string) bool {
	words := strings.Fields(text)
	if len(words) == 1 && words[0] == "off" {
		return true
	}
	return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return !slices.Contains(retryConditions(), word) })
}

// newRetry reads conditions that isRetry accepts; attempts and time are kept.
func newRetry(text string, kept policy.Retry) policy.Retry {
	retry := policy.Retry{Attempts: kept.Attempts, Within: kept.Within}
	for _, word := range strings.Fields(text) {
		switch word {
		case "off":
			retry.Never = true
		case "timeout":
			retry.Timeouts = true
		case "non_idempotent":
			retry.NonIdempotent = true
		}
		if status := retryStatuses()[word]; status > 0 && !slices.Contains(retry.Statuses, status) {
			retry.Statuses = append(retry.Statuses, status)
		}
	}
	slices.Sort(retry.Statuses)
	return retry
}

// Timeouts of a route; 0 leaves it to the proxy.
type Timeouts struct {
	Connect, Response, Send time.Duration
}

func parseTimeouts(r *setting.Reader, defaults Timeouts) Timeouts {
	return Timeouts{
		Connect:  r.Seconds("proxy-connect-timeout", defaults.Connect),
		Response: r.Seconds("proxy-read-timeout", defaults.Response),
		Send:     r.Seconds("proxy-send-timeout", defaults.Send),
	}
}
