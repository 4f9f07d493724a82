// Package effect classifies failures and differences by what they mean to those who use an Ingress.
package effect

import "strings"

// Effect is what a failure or a difference means to those who use an Ingress. The gravest has the highest value.
type Effect int

// The effects, in ascending order.
const (
	// None is the effect of what says nothing about an answer, such as a command that prints something else.
	None Effect = iota
	Cosmetic
	Headers
	AnswersDifferently
	RedirectedDifferently
	Lost
	AnotherBackend
	ProtectionLost
)

// All lists the effects, the gravest first, without None.
func All() []Effect {
	return []Effect{ProtectionLost, AnotherBackend, Lost, RedirectedDifferently, AnswersDifferently, Headers, Cosmetic}
}

// String names the effect.
func (e Effect) String() string {
	switch e {
	case Cosmetic:
		return "cosmetic"
	case Headers:
		return "headers"
	case AnswersDifferently:
		return "answers differently"
	case RedirectedDifferently:
		return "redirected differently"
	case Lost:
		return "route lost"
	case AnotherBackend:
		return "another backend"
	case ProtectionLost:
		return "protection lost"
	case None:
	}
	return "none"
}

// Meaning is a sentence about the effect, as that of a difference from a reference or from an expectation.
func (e Effect) Meaning() string {
	switch e {
	case ProtectionLost:
		return "Requests are served that should be refused."
	case AnotherBackend:
		return "Another backend answers, or one where none should."
	case Lost:
		return "Requests are not served that should be."
	case RedirectedDifferently:
		return "Redirects lead elsewhere, are missing or are new."
	case AnswersDifferently:
		return "The right backend gives another answer, or gets another request."
	case Headers:
		return "Clients or backends get other header fields."
	case Cosmetic:
		return "Applications don't depend on these."
	case None:
	}
	return ""
}

// MarshalText writes the name of the effect.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the name of an effect.
func (e *Effect) UnmarshalText(text []byte) error {
	for _, one := range append(All(), None) {
		if one.String() == string(text) {
			*e = one
			return nil
		}
	}
	return unknownError(text)
}

// unknownError is the name of an effect that doesn't exist.
type unknownError string

// Error implements error.
func (e unknownError) Error() string {
	var names []string
	for _, one := range append(All(), None) {
		names = append(names, one.String())
	}
	return "unknown effect " + string(e) + ": it is one of " + strings.Join(names, ", ")
}
