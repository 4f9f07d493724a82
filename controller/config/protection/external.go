package protection

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/policy/access"
	"github.com/ingress-testbed/testbed/proxy/policy/variable"
)

// External is a server that decides which requests are allowed.
type External struct {
	// Server is the server; its Host may be HostVariable.
	Server Server
	// Fields is the ConfigMap with the fields that the server gets; the zero value for none.
	Fields types.NamespacedName
	// Policy has the rest. Its Upstream, Host, SetHeaders and time limits are empty.
	Policy access.External
}

// readExternal reads the settings whose names begin with a prefix; nil if there is no server.
func readExternal(r *setting.Reader, prefix string) *External {
	var a External
	p := &a.Policy
	text, given := r.Text(prefix + "url")
	if given {
		var err error
		if a.Server, err = ParseServer(text); err != nil {
			r.Deny(prefix+"url", fmt.Sprintf("%q is not valid: %v", setting.Shorten(text), err))
		}
	}
	p.Path = a.Server.Target
	p.Method = r.Protecting(prefix+"method", "", checkMethod)
	p.RequestRedirect = r.Protecting(prefix+"request-redirect", "", variable.Check)
	p.ReplyHeaders = setting.List(r.Protecting(prefix+"response-headers", "", checkFieldNames))
	p.CacheKey = r.Protecting(prefix+"cache-key", "", variable.Check)
	if times := readCacheTimes(r, prefix+"cache-duration"); p.CacheKey != "" {
		p.Cache = times
	}
	p.AlwaysSetCookie = r.Bool(prefix+"always-set-cookie", false)
	p.KeepConnections = r.Int(prefix+"keepalive", 0, math.MaxInt32, 0) > 0
	p.SignIn = r.Protecting(prefix+"signin", "", checkSignIn)
	param := r.Protecting(prefix+"signin-redirect-param", "rd", checkNotEmpty)
	if p.SignIn != "" {
		p.SignIn = addRedirectParam(p.SignIn, param)
	}
	a.Fields = mapName(r.Protecting(prefix+"proxy-set-headers", "", checkMapName))
	if given {
		return &a
	}
	for _, name := range []string{"method", "signin", "response-headers", "request-redirect", "cache-key", "proxy-set-headers"} {
		if _, alone := r.Text(prefix + name); alone {
			r.Deny(prefix+name, "it has no effect without "+prefix+"url")
		}
	}
	return nil
}

// AuthServer returns the host of the external server of an Ingress, which may be HostVariable.
func AuthServer(prefix string, annotations map[string]string) (host string, ok bool) {
	return authServer(annotations[prefix+"/auth-url"])
}

// GlobalAuthServer is AuthServer for the ConfigMap.
func GlobalAuthServer(data map[string]string) (host string, ok bool) {
	return authServer(data["global-auth-url"])
}

func authServer(text string) (host string, ok bool) {
	server, err := ParseServer(strings.TrimSpace(text))
	return server.Host, err == nil
}

func checkMethod(text string) error {
	if !slices.Contains([]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}, text) {
		return errors.New("it must be a method of HTTP, such as GET or POST")
	}
	return nil
}

func checkFieldNames(text string) error {
	names := setting.List(text)
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return !setting.IsToken(name) }) {
		return errors.New("it must be a list of names of header fields")
	}
	return nil
}

func checkMapName(text string) error {
	if name := mapName(text); name.Namespace == "" || name.Name == "" || strings.Contains(name.Name, "/") {
		return errors.New(`it must be "namespace/name" of a ConfigMap`)
	}
	return nil
}

func mapName(text string) types.NamespacedName {
	namespace, name, _ := strings.Cut(text, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func checkNotEmpty(text string) error {
	if text == "" || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '&' || c == '=' }) {
		return errors.New("it must be a name")
	}
	return nil
}

func checkSignIn(text string) error {
	starts := func(prefix string) bool { return strings.HasPrefix(text, prefix) }
	if !slices.ContainsFunc([]string{"http://", "https://", "$scheme://", "$pass_access_scheme://", "/"}, starts) ||
		strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return errors.New("it must be a URL")
	}
	return variable.Check(text)
}

// addRedirectParam adds the URL of the request to that of the page for signing in, unless it has one.
func addRedirectParam(signIn, param string) string {
	const target = "=$pass_access_scheme://$http_host$escaped_request_uri"
	_, query, hasQuery := strings.Cut(signIn, "?")
	if !hasQuery || query == "" {
		return strings.TrimSuffix(signIn, "?") + "?" + param + target
	}
	for pair := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(pair, param+"=") {
			return signIn
		}
	}
	return signIn + "&" + param + target
}

// readCacheTimes reads a list like "200 202 10m, 401 5m".
func readCacheTimes(r *setting.Reader, name string) []access.CacheTime {
	text := r.Protecting(name, "200 202 401 5m", func(text string) error {
		_, err := cacheTimes(text)
		return err
	})
	times, _ := cacheTimes(text) // it was checked
	return times
}

func cacheTimes(text string) ([]access.CacheTime, error) {
	wrong := errors.New(`it must be a list of statuses and a time, such as "200 202 10m, 401 5m"`)
	var times []access.CacheTime
	for _, element := range setting.List(text) {
		words := strings.Fields(element)
		last := len(words) - 1
		lasts, ok := setting.Time(words[last])
		if !ok {
			return nil, wrong
		}
		if last == 0 {
			words, last = []string{"200", "301", "302", words[0]}, 3 // those of nginx's proxy_cache_valid
		}
		for _, word := range words[:last] {
			status, err := strconv.Atoi(word)
			if word == "any" {
				status, err = 0, nil
			} else if status < 100 || status > 599 {
				return nil, wrong
			}
			if err != nil {
				return nil, wrong
			}
			times = append(times, access.CacheTime{Status: status, For: lasts})
		}
	}
	if len(times) == 0 {
		return nil, wrong
	}
	return times, nil
}
