package send

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// jar holds cookies by name. Their attributes are left out, because all requests of a jar are the same.
type jar map[string]string

func (j jar) keep(response *http.Response) {
	for _, cookie := range response.Cookies() {
		j[cookie.Name] = cookie.Value
	}
}

// header is the value of the Cookie field; "" if there are none, or if they aren't kept.
func (j jar) header(kept bool) string {
	if !kept {
		return ""
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(j)) {
		pairs = append(pairs, name+"="+j[name])
	}
	return strings.Join(pairs, "; ")
}
