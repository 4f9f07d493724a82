package compare

import (
	"fmt"
	"strconv"
)

// Kind is the part of an answer that differs.
type Kind string

// The kinds of differences.
const (
	Status    Kind = "status"
	Backend   Kind = "backend"
	Location  Kind = "location"
	Cookie    Kind = "cookie"
	Header    Kind = "header"
	Forwarded Kind = "forwarded" // the request as the backend received it
	Body      Kind = "body"
	TLS       Kind = "tls"
	Share     Kind = "share" // how often there was which answer
	Admission Kind = "admission"
)

// Gravity is the effect of a difference on the users of the controller. The most serious has the highest value.
type Gravity int

// The gravities, in ascending order.
const (
	// Cosmetic is a difference that applications don't depend on.
	Cosmetic Gravity = iota
	// Headers is a difference of fields, in either direction.
	Headers
	// RedirectedDifferently is another redirect, or one that is missing or added.
	RedirectedDifferently
	// AnotherBackend is a request that another backend answers.
	AnotherBackend
	// RouteLost is a request that isn't served any more.
	RouteLost
	// ProtectionLost is a request that is served, though it was refused.
	ProtectionLost
)

// String names the effect.
func (g Gravity) String() string {
	switch g {
	case Cosmetic:
		return "cosmetic"
	case Headers:
		return "headers"
	case RedirectedDifferently:
		return "redirected differently"
	case AnotherBackend:
		return "another backend"
	case RouteLost:
		return "route lost"
	case ProtectionLost:
		return "protection lost"
	}
	return fmt.Sprintf("Gravity(%d)", int(g))
}

// Difference is one difference between two answers.
type Difference struct {
	Kind    Kind
	Gravity Gravity
	// What differs, such as "header X-Request-Id".
	What string
	// Want and Got are the two values; "" if there is none.
	Want, Got string
}

// String is one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s instead of %s", d.What, quoted(d.Got), quoted(d.Want))
}

func quoted(text string) string {
	const most = 160
	switch {
	case text == "":
		return "none"
	case len(text) > most:
		return strconv.Quote(text[:most]) + "…"
	}
	return strconv.Quote(text)
}
