package config

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/config/setting"
	"github.com/ingress-testbed/testbed/proxy/route"
)

func parseHTTP10(r *setting.Reader, defaults bool) bool {
	version := r.Choice("proxy-http-version", "", "1.0", "1.1")
	return version == "1.0" || version == "" && defaults
}

// FastCGI configures the parameters of FastCGI.
type FastCGI struct {
	// Index is appended to paths that end in a slash.
	Index string
	// Params is the ConfigMap of further parameters; its Name is "" if there is none.
	Params types.NamespacedName
}

const fastCGIParams = "fastcgi-params-configmap"

func parseFastCGI(r *setting.Reader) FastCGI {
	index, _ := r.Text("fastcgi-index")
	params, _ := r.Text(fastCGIParams)
	settings := FastCGI{Index: index}
	settings.Params, _ = configMapName(params)
	return settings
}

// FastCGIParams returns the name of the ConfigMap of parameters, which is in the Ingress's namespace; ok is false if
// the annotation is missing.
func FastCGIParams(prefix, namespace string, annotations map[string]string) (name types.NamespacedName, ok bool) {
	name, ok = configMapName(strings.TrimSpace(annotations[prefix+"/"+fastCGIParams]))
	if name.Namespace == "" {
		name.Namespace = namespace
	}
	return name, ok
}

// configMapName reads "namespace/name", or a name whose namespace is then "".
func configMapName(text string) (types.NamespacedName, bool) {
	namespace, name, qualified := strings.Cut(text, "/")
	if !qualified {
		namespace, name = "", text
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, name != ""
}

// parseProtocol returns false if the annotation is missing or invalid. auto is whether the protocol is that of the client's
// connection.
func parseProtocol(r *setting.Reader) (protocol route.Protocol, given, auto bool) {
	const name = "backend-protocol"
	text, given := r.Text(name)
	if !given {
		return route.HTTP1, false, false
	}
	switch strings.ToUpper(text) {
	case "HTTP":
		return route.HTTP1, true, false
	case "AUTO_HTTP":
		return route.HTTP1, true, true
	case "GRPC":
		return route.H2C, true, false // gRPC is HTTP/2, and without TLS the proxy has to know beforehand
	case "HTTPS":
		return route.HTTPS, true, false
	case "GRPCS":
		return route.H2, true, false
	case "FCGI":
		return route.FCGI, true, false
	}
	r.Invalid(name, text, "it must be HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS or FCGI")
	return route.HTTP1, false, false
}
