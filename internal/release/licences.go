package release

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/licenseclassifier/v2/assets"
)

// minConfidence is how much of a known licence a text must have, as a share of its words.
const minConfidence = 0.9

// Licences maps each "module version" to the SPDX identifiers of the licences in its notices.
type Licences map[string][]string

// Identify compares the notices with the texts of known licences. Modules with none of these are left out.
func (n *Notices) Identify() (Licences, error) {
	classifier, err := assets.DefaultClassifier()
	if err != nil {
		return nil, fmt.Errorf("loading the texts of known licences: %w", err)
	}
	identifiers := make(map[string]map[string]bool)
	for text, sources := range n.texts {
		for _, match := range classifier.Match([]byte(text)).Matches {
			if match.MatchType != "License" || match.Confidence < minConfidence {
				continue
			}
			for source := range sources {
				if identifiers[source.module] == nil {
					identifiers[source.module] = make(map[string]bool)
				}
				identifiers[source.module][match.Name] = true
			}
		}
	}
	licences := make(Licences)
	for module, names := range identifiers {
		licences[module] = slices.Sorted(maps.Keys(names))
	}
	return licences, nil
}
