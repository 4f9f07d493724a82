// Package compare compares answers: a recorded one with an observed one, or those of two controllers.
package compare

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// Answers compares the answers to a request. The texts of want may have the placeholders of record.Matches; its other
// placeholders have been replaced. The differences are sorted by their gravity, the most serious first.
func Answers(request record.Request, want, got record.Answer) []Difference {
	c := comparison{request: request, want: want, got: got}
	c.outcome()
	c.tls()
	c.headers()
	c.seen()
	c.bodies()
	slices.SortStableFunc(c.found, func(a, b Difference) int { return int(b.Gravity) - int(a.Gravity) })
	return c.found
}

type comparison struct {
	request   record.Request
	want, got record.Answer
	found     []Difference
}

func (c *comparison) add(kind Kind, gravity Gravity, what, want, got string) {
	if !record.Matches(want, got) {
		c.found = append(c.found, Difference{Kind: kind, Gravity: gravity, What: what, Want: want, Got: got})
	}
}

// outcome compares the status, or the failure of the connection, and the backend.
func (c *comparison) outcome() {
	gravity := Effect(c.want, c.got)
	c.add(Status, gravity, "status", Outcome(c.want), Outcome(c.got))
	if gravity == Headers {
		gravity = AnotherBackend // the status is the same, or says nothing
	}
	c.add(Backend, gravity, "backend", c.want.Backend, c.got.Backend)
}

// Outcome is the status of an answer, with the failure of its connection.
func Outcome(a record.Answer) string {
	switch {
	case a.Error == "":
		return statusText(a.Status)
	case a.Status == 0:
		return string(a.Error)
	}
	return statusText(a.Status) + ", " + string(a.Error)
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// Effect is what the difference between two answers in status and backend means; Headers if they differ in neither, or in
// nothing that counts.
func Effect(want, got record.Answer) Gravity {
	switch {
	case refused(want) && !refused(got) && (served(got) || redirected(got)):
		return ProtectionLost
	case redirected(want) != redirected(got), redirected(want) && redirected(got):
		if failed(got) {
			return RouteLost
		}
		return RedirectedDifferently
	case served(want) && !served(got):
		return RouteLost
	case served(want) && served(got) && want.Backend != got.Backend:
		return AnotherBackend
	case !served(want) && served(got):
		return AnotherBackend
	}
	return Headers
}

// refused reports whether an answer keeps the client from what it requested: by authentication or authorization, or by a
// limit. Codes of ingress-nginx's annotations are in the list; a missing client certificate is answered with 400.
func refused(a record.Answer) bool {
	if a.Backend != "" {
		return false
	}
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return true
	case http.StatusBadRequest:
		return a.TLS != nil
	}
	return a.Error == record.ErrorHandshake
}

func served(a record.Answer) bool {
	return a.Backend != "" || a.Error == "" && a.Status >= 100 && a.Status < 300
}

func redirected(a record.Answer) bool {
	return a.Backend == "" && a.Status >= 300 && a.Status < 400
}

func failed(a record.Answer) bool { return a.Error != "" || a.Backend == "" && a.Status >= 400 }

func (c *comparison) tls() {
	if c.want.TLS == nil || c.got.TLS == nil {
		return // the outcome says it: there was no handshake
	}
	want, got := c.want.TLS, c.got.TLS
	c.add(TLS, RouteLost, "certificate", want.Certificate, got.Certificate)
	c.add(TLS, Headers, "TLS version", want.Version, got.Version)
	c.add(TLS, Headers, "ALPN", want.ALPN, got.ALPN)
	c.add(TLS, Cosmetic, "HTTP version", c.want.Version, c.got.Version)
}

func (c *comparison) headers() {
	recorded, observed := canonical(c.want.Headers), canonical(c.got.Headers)
	for _, name := range names(recorded, observed) {
		want, got := recorded[name], observed[name]
		kind, gravity := Header, Headers
		switch name {
		case "Location":
			kind, gravity = Location, RedirectedDifferently
		case "Set-Cookie":
			kind = Cookie
			want, got = sortedAttributes(want), sortedAttributes(got)
		case "Server":
			gravity = Cosmetic
		}
		c.values(kind, gravity, "header "+name, want, got)
	}
}

// sortedAttributes has the attributes of cookies in one order, since it means nothing (RFC 6265, section 5.2).
func sortedAttributes(cookies record.Values) record.Values {
	var all record.Values
	for _, cookie := range cookies {
		parts := strings.Split(cookie, "; ")
		slices.Sort(parts[1:])
		all = append(all, strings.Join(parts, "; "))
	}
	return all
}

// canonical has the names in the form of net/http: HTTP doesn't tell upper from lower case.
func canonical(headers map[string]record.Values) map[string]record.Values {
	same := map[string]record.Values{}
	for name, values := range headers {
		same[http.CanonicalHeaderKey(name)] = values
	}
	return same
}

// anyValues is a recorded value that agrees with any number of values.
const anyValues = "${any}"

func (c *comparison) values(kind Kind, gravity Gravity, what string, want, got record.Values) {
	if len(want) == 1 && want[0] == anyValues && len(got) > 0 {
		return
	}
	if len(want) == 0 || len(got) == 0 || len(want) != len(got) {
		// An empty text would match ${any}.
		if !slices.Equal(want, got) {
			c.found = append(c.found, Difference{
				Kind: kind, Gravity: gravity, What: what, Want: strings.Join(want, ", "), Got: strings.Join(got, ", "),
			})
		}
		return
	}
	for i := range want {
		c.add(kind, gravity, what, want[i], got[i])
	}
}

// seen compares the request as the backend received it.
func (c *comparison) seen() {
	want, got := c.want.Saw, c.got.Saw
	if want == nil || got == nil || c.want.Backend != c.got.Backend {
		return
	}
	c.add(Forwarded, Headers, "method received", or(want.Method, or(c.request.Method, http.MethodGet)), got.Method)
	c.add(Forwarded, AnotherBackend, "target received", or(want.Target, c.request.Target), got.Target)
	c.add(Forwarded, Headers, "HTTP version received", or(want.Version, "HTTP/1.1"), got.Version)
	c.add(Forwarded, Headers, "body received", want.Body, got.Body)
	if !want.Partial {
		c.add(Forwarded, Headers, "body received, in bytes", strconv.Itoa(want.BodyBytes), strconv.Itoa(got.BodyBytes))
	}
	for _, name := range names(want.Headers, got.Headers) {
		if _, recorded := want.Headers[name]; !recorded && want.Partial {
			continue
		}
		c.values(Forwarded, Headers, "header received, "+name, want.Headers[name], got.Headers[name])
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// bodies compares what isn't empty in the record.
func (c *comparison) bodies() {
	switch {
	case c.want.BodyBegins != "":
		c.add(Body, Headers, "beginning of the body", c.want.BodyBegins, c.got.BodyBegins)
	case c.want.Body != "":
		c.add(Body, Headers, "body", c.want.Body, c.got.Body)
	}
	c.add(Body, RouteLost, "text from the WebSocket", c.want.WebSocket, c.got.WebSocket)
}

func names(a, b map[string]record.Values) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(all)
	return slices.Compact(all)
}
