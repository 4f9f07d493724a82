package derive

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/steps/compare/sample"
)

// thePath is the path itself, which shows what the annotation does with each request.
func thePath(s *subject) []variant { return []variant{{"the path", s.open(s.target())}} }

func plainVariants(s *subject) []variant {
	target := strings.TrimSuffix(s.target(), "/") + "/?a=1"
	return []variant{{"over http", s.open(target).secure(false)}, {"over https", s.open(target).secure(true)}}
}

func belowVariants(s *subject) []variant {
	return []variant{
		{"the path", s.open(s.target())},
		{"below the path, with a query", s.open(strings.TrimSuffix(s.target(), "/") + "/below?a=1")},
	}
}

func wwwVariants(s *subject) []variant {
	other, isWWW := strings.CutPrefix(s.host, "www.")
	if !isWWW {
		other = "www." + s.host
	}
	if s.host == "" || strings.HasPrefix(s.host, "*") {
		return nil
	}
	p := s.open(s.target() + "?a=1").host(other)
	return []variant{{"at " + other + ", http", p.secure(false)}, {"at " + other + ", https", p.secure(true)}}
}

func aliasVariants(s *subject) []variant {
	const most = 5
	var all []variant
	for alias := range strings.SplitSeq(s.value("server-alias"), ",") {
		alias = strings.TrimSpace(alias)
		if pattern, ok := strings.CutPrefix(alias, "~"); ok {
			alias, _ = sample.Match(pattern)
		}
		alias = strings.Replace(alias, "*", "one", 1)
		if alias == "" || strings.ContainsAny(alias, " /") || len(all) == 2*most {
			continue
		}
		p := s.open(s.target()).host(alias)
		all = append(all, variant{"at " + alias + ", http", p.secure(false)}, variant{"at " + alias + ", https", p.secure(true)})
	}
	return all
}

func rewriteVariants(s *subject) []variant {
	base := strings.TrimSuffix(s.target(), "/")
	all := []variant{
		{"a path that matches", s.open(s.target())},
		{"a path that matches, with a query", s.open(s.target() + "?a=1&b=%2F")},
		{"further below", s.open(base + "/x/y%20z")},
	}
	if s.regex {
		for _, excluded := range sample.Excluded(s.path) {
			all = append(all, variant{"a path that a lookahead excludes", s.open(escaped(excluded))})
		}
	}
	return all
}

func corsVariants(s *subject) []variant {
	origins := map[string]string{"an allowed origin": "https://app.example.com", "another origin": "https://other.invalid"}
	for origin := range strings.SplitSeq(s.value("cors-allow-origin"), ",") {
		if origin = strings.TrimSpace(origin); origin != "" && origin != "*" {
			origins["an allowed origin"] = strings.Replace(origin, "*", "any", 1)
			break
		}
	}
	p := s.open(s.target())
	all := []variant{{"GET without an origin", p}}
	for _, name := range []string{"an allowed origin", "another origin"} {
		from := p.header("Origin: " + origins[name])
		all = append(all,
			variant{"GET from " + name, from},
			variant{"preflight request from " + name, from.method("OPTIONS").
				header("Access-Control-Request-Method: PUT").header("Access-Control-Request-Headers: X-Custom")})
	}
	return all
}

// asked is a target whose query says what the stand-in has to answer.
func (s *subject) asked(query ...string) string {
	return s.target() + "?" + strings.Join(query, "&")
}

func answerHeader(line string) string { return "hdr=" + url.QueryEscape(line) }

func cookieVariants(s *subject) []variant {
	cookies := []string{answerHeader("Set-Cookie:a=1; Path=/"), answerHeader("Set-Cookie:b=2; Path=" + s.sample + "; Domain=" + s.requestHost())}
	if from, _, ok := strings.Cut(s.value("proxy-cookie-path"), " "); ok && !strings.HasPrefix(from, "~") {
		cookies = append(cookies, answerHeader("Set-Cookie:c=3; Path="+from))
	}
	if from, _, ok := strings.Cut(s.value("proxy-cookie-domain"), " "); ok && !strings.HasPrefix(from, "~") {
		cookies = append(cookies, answerHeader("Set-Cookie:d=4; Domain="+from))
	}
	return []variant{{"the backend sets cookies", s.open(s.asked(cookies...))}}
}

func locationVariants(s *subject) []variant {
	from := s.value("proxy-redirect-from")
	if from == "" || from == "off" || from == "default" {
		from = "http://" + s.requestHost() + "/"
	}
	return []variant{{"the backend redirects", s.open(s.asked("status=302", answerHeader("Location:"+from+"there")))}}
}

const (
	// shares is how often a request is sent whose answers are drawn at random, and maxShares how often at most.
	shares, maxShares = 300, 2000
	// canaryAnswers is how many answers of the canary there should be: without them, a canary that gets nothing differs from one that gets
	// its share by more than chance can do.
	canaryAnswers = 60
)

func shareVariants(s *subject) []variant {
	weight, total := number(s.value("canary-weight"), 0), number(s.value("canary-weight-total"), 100)
	if weight <= 0 {
		return []variant{{"the path", s.open(s.target())}}
	}
	times := min(max(shares, canaryAnswers*total/weight), maxShares)
	return []variant{{"the path " + strconv.Itoa(times) + " times", s.open(s.target()).repeated(times, Share)}}
}

func canaryHeaderVariants(s *subject) []variant {
	name := s.value("canary-by-header")
	if name == "" {
		return nil
	}
	values := []string{"always", "never"}
	if value := s.value("canary-by-header-value"); value != "" {
		values = append(values, value)
	}
	if pattern := s.value("canary-by-header-pattern"); pattern != "" {
		if found, ok := sample.Match(pattern); ok {
			values = append(values, found)
		}
		values = append(values, sample.Excluded(pattern)...)
	}
	if !s.given("canary-weight") { // another value leaves the decision to the weight
		values = append(values, "other")
	}
	var all []variant
	for _, value := range values {
		all = append(all, variant{name + ": " + value, s.open(s.target()).header(name + ": " + value)})
	}
	return all
}

func canaryCookieVariants(s *subject) []variant {
	name := s.value("canary-by-cookie")
	if name == "" {
		return nil
	}
	values := []string{"always", "never"}
	if !s.given("canary-weight") {
		values = append(values, "other")
	}
	var all []variant
	for _, value := range values {
		all = append(all, variant{"cookie " + name + "=" + value, s.open(s.target()).header("Cookie: " + name + "=" + value)})
	}
	return all
}

// sessions is how often a request is sent to see whether the same Pod answers: with two Pods that take turns or are drawn at
// random, all the same has a chance of 1 in 2048 at most.
const sessions = 12

func sessionVariants(s *subject) []variant {
	kept := s.open(s.target()).repeated(sessions, Session)
	kept.Request.KeepCookies = true
	return []variant{{"with its cookies", kept}, {"the first request", s.open(s.target())}}
}

func hashVariants(s *subject) []variant {
	return []variant{{"the same request", s.open(s.target()).repeated(sessions, Session)}}
}

// maxTimeout bounds the time-outs that are waited for, in seconds.
const maxTimeout = 3

func readTimeoutVariants(s *subject) []variant {
	seconds := number(strings.TrimSuffix(s.value("proxy-read-timeout"), "s"), 0)
	if seconds == 0 || seconds > maxTimeout {
		return nil
	}
	return []variant{{"the backend takes a second more", s.open(s.asked("delay=" + strconv.Itoa(seconds+1) + "s"))}}
}

const (
	// maxBody bounds the bodies that are sent, and unlimitedBody is sent where there is no limit: more than the default limit.
	maxBody       = 8 << 20
	unlimitedBody = 2 << 20
)

func bodyVariants(s *subject) []variant {
	size, ok := bytesOf(s.value("proxy-body-size"))
	switch {
	case !ok || size > maxBody:
		return nil
	case size == 0:
		return []variant{{"a body of 2 MiB", s.open(s.target()).body(unlimitedBody)}}
	}
	return []variant{
		{"a body of the size", s.open(s.target()).body(size)},
		{"a body of a byte more", s.open(s.target()).body(size + 1)},
	}
}

var size = regexp.MustCompile(`^([0-9]{1,9})([kKmMgG]?)$`)

// bytesOf reads a size as nginx writes it.
func bytesOf(text string) (int, bool) {
	match := size.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(match[1]) // digits, by the expression
	switch strings.ToLower(match[2]) {
	case "k":
		n <<= 10
	case "m":
		n <<= 20
	case "g":
		n <<= 30
	}
	return n, true
}

// largeAnswer is the length of a field of an answer above the default of proxy-buffer-size, 4 KiB.
const largeAnswer = 6 << 10

func bufferVariants(s *subject) []variant {
	return []variant{{"the backend answers with a large header", s.open(s.asked(answerHeader("X-Large:" + strings.Repeat("x", largeAnswer))))}}
}

func errorVariants(s *subject) []variant {
	const most = 3
	var all []variant
	for code := range strings.SplitSeq(s.value("custom-http-errors"), ",") {
		code = strings.TrimSpace(code)
		if n := number(code, 0); n >= 300 && n < 600 && len(all) < most {
			all = append(all, variant{"the backend answers " + code, s.open(s.asked("status=" + code))})
		}
	}
	return append(all, variant{"the backend answers 418", s.open(s.asked("status=418"))})
}
