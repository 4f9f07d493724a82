package derive

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// pathVariant is a request target at a boundary of a path.
type pathVariant struct{ name, target string }

// pathVariants lists the targets around a path; sample is one that it matches.
func pathVariants(path, sample string, regex bool) []pathVariant {
	all := []pathVariant{{asWritten, escaped(sample)}}
	add := func(name, target string) { all = append(all, pathVariant{name, target}) }
	trimmed := strings.TrimSuffix(sample, "/")
	add("with a query", escaped(sample)+"?a=1&b=%2F")
	add("below", escaped(trimmed+"/below"))
	if trimmed == "" {
		add("dot segments", "/below/../")
		return all
	}
	if trimmed == sample {
		add("with a slash", escaped(sample+"/"))
	} else {
		add("without the slash", escaped(trimmed))
	}
	add("beside", escaped(trimmed+"beside"))
	if parent := trimmed[:strings.LastIndexByte(trimmed, '/')+1]; parent != "/" {
		add("above", escaped(parent))
	}
	if other := otherCase(trimmed); other != trimmed {
		add("other case", escaped(other))
	}
	if encoded := encodedLetter(trimmed); encoded != "" {
		add("an encoded letter", encoded)
	}
	add("two slashes", "/"+escaped(trimmed))
	add("dot segments", "/other/.."+escaped(trimmed))
	add("encoded slash", escaped(trimmed)+"%2Fbelow")
	if regex && len(path) > 1 {
		add("the beginning of the expression", escaped(sample[:max(1, len(sample)-1)]))
	}
	return all
}

// escaped is a path as it is written in a request.
func escaped(path string) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Path: path}).EscapedPath()
}

func otherCase(path string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, path)
}

// encodedLetter has the last letter of ASCII percent-encoded, which changes nothing (RFC 3986, section 6.2.2.2).
func encodedLetter(path string) string {
	at := strings.LastIndexFunc(path, func(r rune) bool { return r < unicode.MaxASCII && unicode.IsLetter(r) })
	if at < 0 {
		return ""
	}
	return escaped(path[:at]) + fmt.Sprintf("%%%02X", path[at]) + strings.TrimPrefix(escaped("/"+path[at+1:]), "/")
}
