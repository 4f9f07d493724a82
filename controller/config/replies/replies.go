// Package replies reads the settings of what clients get, and of the fields that backends get.
package replies

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/replying"
)

// Settings of an Ingress, with the ConfigMap's values as defaults.
type Settings struct {
	CORS replying.CORS // the zero value without CORS
	// Fields is the ConfigMap with the fields of the Ingress's replies; the zero value for none.
	Fields types.NamespacedName
	// Connection is the value of Connection that backends get; "" leaves it to the proxy.
	Connection string
	Cookies    replying.Cookies
	Location   replying.Location
	ErrorPages ErrorPages
}

// Global holds what is set for all Ingresses.
type Global struct {
	Defaults Settings
	// RequestFields and ReplyFields are the ConfigMaps with fields that all backends and all clients get; the zero value for
	// none.
	RequestFields, ReplyFields types.NamespacedName
	// OriginalURI sends backends the target of the request as X-Original-URI.
	OriginalURI bool
	// Hidden are the names of fields of backends' replies that clients don't get, in lower case.
	Hidden []string
	// NamesProxy sends the name of the proxy as Server, and KeepsServer that of backends.
	NamesProxy, KeepsServer bool
	// Allowed are the names of fields that Settings.Fields may have.
	Allowed []string
}

// ReadGlobal reads the keys of the ConfigMap.
func ReadGlobal(r *setting.Reader) Global {
	global := Global{
		Defaults: Settings{
			Cookies: readCookies(r, replying.Cookies{}), Location: readLocation(r, replying.Location{}),
			ErrorPages: readErrorPages(r, ErrorPages{}),
		},
		RequestFields: readName(r, "proxy-set-headers"),
		ReplyFields:   readName(r, "add-headers"),
		OriginalURI:   r.Bool("proxy-add-original-uri-header", false),
		NamesProxy:    r.Bool("server-tokens", false),
		KeepsServer:   r.Bool("allow-backend-server-header", false),
	}
	for _, name := range readNames(r, "hide-headers") {
		global.Hidden = append(global.Hidden, strings.ToLower(name))
	}
	global.Allowed = readNames(r, "global-allowed-response-headers")
	if !global.KeepsServer && !slices.Contains(global.Hidden, "server") {
		global.Hidden = append(global.Hidden, "server")
	}
	return global
}

// Read reads the annotations of an Ingress.
func Read(r *setting.Reader, global Global) Settings {
	return Settings{
		CORS:       readCORS(r),
		Fields:     readName(r, "custom-headers"),
		Connection: r.Choice("connection-proxy-header", "", "close", "keep-alive"),
		Cookies:    readCookies(r, global.Defaults.Cookies),
		Location:   readLocation(r, global.Defaults.Location),
		ErrorPages: readErrorPages(r, global.Defaults.ErrorPages),
	}
}

// readName reads the name of a ConfigMap.
func readName(r *setting.Reader, key string) types.NamespacedName {
	text, given := r.Text(key)
	if !given {
		return types.NamespacedName{}
	}
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		r.Invalid(key, text, `it must be "namespace/name" of a ConfigMap`)
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// readNames reads a list of names of fields.
func readNames(r *setting.Reader, key string) []string {
	text, _ := r.Text(key)
	var names []string
	for item := range strings.SplitSeq(text, ",") {
		switch item = strings.TrimSpace(item); {
		case item == "":
		case httpguts.ValidHeaderFieldName(item):
			names = append(names, item)
		default:
			r.Invalid(key, text, "it must be names of header fields, separated by commas")
		}
	}
	return names
}

func readCookies(r *setting.Reader, defaults replying.Cookies) replying.Cookies {
	cookies := defaults
	cookies.PathFrom, cookies.PathTo = readPair(r, "proxy-cookie-path", defaults.PathFrom, defaults.PathTo)
	cookies.DomainFrom, cookies.DomainTo = readPair(r, "proxy-cookie-domain", defaults.DomainFrom, defaults.DomainTo)
	cookies.DomainFrom = strings.TrimPrefix(cookies.DomainFrom, ".")
	return cookies
}

// pair is two words without what would end an attribute of a cookie, or begin a regular expression or a variable of nginx.
var pair = regexp.MustCompile(`^[^\s;~$][^\s;$]* [^\s;$]+$`)

func readPair(r *setting.Reader, key, from, to string) (string, string) {
	text, given := r.Text(key)
	switch {
	case !given:
		return from, to
	case text == "off":
		return "", ""
	case !pair.MatchString(text):
		r.Invalid(key, text, `it must be what is replaced, a space, and the replacement, without variables and regular expressions; or "off"`)
		return from, to
	}
	from, to, _ = strings.Cut(text, " ")
	return from, to
}

// readLocation returns the zero value unless both settings are given.
func readLocation(r *setting.Reader, defaults replying.Location) replying.Location {
	const rule = `it must be the beginning of a URL, without spaces and variables, or "off"`
	isBeginning := func(text string) bool { return !strings.ContainsAny(text, " \t\r\n$") }
	location := replying.Location{
		From: r.Checked("proxy-redirect-from", isBeginning, rule), To: r.Checked("proxy-redirect-to", isBeginning, rule),
	}
	switch {
	case location.From == "off" || location.From == "default": // nginx's default has nothing to replace here
		return replying.Location{}
	case location.From == "" || location.To == "" || location.To == "off":
		return defaults
	}
	return location
}

// The values of ingress-nginx.
const (
	defaultMethods = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
	defaultHeaders = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
	defaultMaxAge  = 1728000 // 20 days
)

// origin is a scheme, a host whose first label may be a star, and perhaps a port.
var origin = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)

func readCORS(r *setting.Reader) replying.CORS {
	enabled := r.Bool("enable-cors", false)
	cors := replying.CORS{
		Origins: readOrigins(r), Methods: readList(r, "cors-allow-methods", defaultMethods),
		Headers: readList(r, "cors-allow-headers", defaultHeaders), Expose: readList(r, "cors-expose-headers", ""),
		MaxAge:          r.Int("cors-max-age", 0, math.MaxInt32, defaultMaxAge),
		WithCredentials: r.Bool("cors-allow-credentials", true),
	}
	if !enabled {
		return replying.CORS{}
	}
	return cors
}

// readOrigins leaves out what is no origin, and allows none if nothing is left: ingress-nginx would allow all.
func readOrigins(r *setting.Reader) string {
	const key = "cors-allow-origin"
	text, given := r.Text(key)
	if !given {
		return "*"
	}
	var origins []string
	for item := range strings.SplitSeq(text, ",") {
		switch item = strings.TrimSpace(item); {
		case item == "":
		case item == "*":
			return "*"
		case origin.MatchString(item):
			origins = append(origins, item)
		default:
			r.Invalid(key, text, `it must be origins such as https://example.com or https://*.example.com, separated by commas, or "*"`)
		}
	}
	return strings.Join(origins, ",")
}

// readList is a list that is sent as it is written, but for a wrong one.
func readList(r *setting.Reader, key, otherwise string) string {
	text, given := r.Text(key)
	if !given {
		return otherwise
	}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "*" && !httpguts.ValidHeaderFieldName(item) {
			r.Invalid(key, text, "it must be names, separated by commas")
			return otherwise
		}
	}
	return text
}
