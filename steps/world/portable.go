package world

import (
	"regexp"
	"strings"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// Portable returns an error of the scenario with the text that it would have in another run; see evidence.Portable.
func (s *Scenario) Portable(err error) error {
	return evidence.Portable(err, portable(err.Error(), s.Namespace))
}

// portable replaces what differs between runs: the scenario's names, the names of Pods (ReplicaSet controller and
// apiserver, k8s.io/apimachinery/pkg/util/rand), addresses, and identifiers such as those of requests.
func portable(text string, namespace *Namespace) string {
	const generated = "[bcdfghjklmnpqrstvwxz2456789]"
	text = strings.NewReplacer(namespace.Domain, "${domain}", namespace.Name, "${namespace}").Replace(text)
	for _, mask := range []struct{ pattern, replacement string }{
		{`-` + generated + `{6,10}-` + generated + `{5}\b`, "-${Pod}"},
		{`\bshared-[a-z2-7]{8}\b`, "${namespace of shared servers}"},
		{`\b\d{1,3}(\.\d{1,3}){3}:\d+\b`, "${address}:${port}"},
		{`\b\d{1,3}(\.\d{1,3}){3}\b`, "${address}"},
		{`\b[0-9a-f]{16,}\b`, "${identifier}"},
	} {
		text = regexp.MustCompile(mask.pattern).ReplaceAllLiteralString(text, mask.replacement)
	}
	return text
}
