package http

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/arguments"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/echo"
)

// statusEffect is what it means that a response has another status than expected. Protects is whether the scenario is about
// what keeps clients out, so that every status but those of success refuses a request.
func statusEffect(want, got int, protects bool) effect.Effect {
	switch {
	case succeeds(got) && !succeeds(want) && (protects || refuses(want)):
		return effect.ProtectionLost
	case got >= http.StatusBadRequest && want < http.StatusBadRequest:
		return effect.Lost
	case redirects(want) || redirects(got):
		return effect.RedirectedDifferently
	case succeeds(got) && !succeeds(want):
		return effect.AnotherBackend
	}
	return effect.AnswersDifferently
}

func succeeds(status int) bool { return status < http.StatusMultipleChoices }

func redirects(status int) bool {
	return status >= http.StatusMultipleChoices && status < http.StatusBadRequest
}

// refuses reports whether a status says that the client may not do what it has requested.
func refuses(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return true
	}
	return false
}

// statusOfPattern is the least status that an expected text matches, which may be a pattern; 0 if there is none.
func statusOfPattern(expected string) int {
	const last = 599
	for status := http.StatusOK; status <= last; status++ {
		if equal, err := arguments.Matches(expected, strconv.Itoa(status)); err == nil && equal {
			return status
		}
	}
	return 0
}

// textEffect is what it means that a response lacks a text. An echo server names itself by its version.
func textEffect(exchange client.Exchange, text string) effect.Effect {
	if !strings.HasPrefix(text, echo.ServerVersion+"=") {
		return effect.AnswersDifferently
	}
	if exchange.Status >= http.StatusBadRequest {
		return effect.Lost
	}
	return effect.AnotherBackend
}

// headerEffect is what it means that a response has another field.
func headerEffect(name string) effect.Effect {
	if strings.EqualFold(name, "Location") {
		return effect.RedirectedDifferently
	}
	return effect.Headers
}

// sharesEffect is what it means that responses come from other backends than expected, or as often not as expected; the
// effect of the latter is otherwise.
func sharesEffect(exchanges []client.Exchange, unexpected int, otherwise effect.Effect) effect.Effect {
	for _, exchange := range exchanges {
		if exchange.Status >= http.StatusBadRequest {
			return effect.Lost
		}
	}
	if unexpected > 0 {
		return effect.AnotherBackend
	}
	return otherwise
}
