package suite

import (
	"fmt"
	"regexp"
	"strings"
)

var tagTerm = regexp.MustCompile(`^~?@[^\s@~,&()]+$`)

// checkTags rejects tag expressions that godog would read as the name of an unused tag, and which would select nothing or
// everything: it supports "~", "," and "&&", but not the words "not", "or" and "and" of newer versions of Cucumber.
func checkTags(expression string) error {
	if expression == "" {
		return nil
	}
	for conjunct := range strings.SplitSeq(expression, "&&") {
		for term := range strings.SplitSeq(conjunct, ",") {
			if term = strings.TrimSpace(term); !tagTerm.MatchString(term) {
				return fmt.Errorf("invalid tag expression %q at %q: write @a for a tag, ~@a for its absence, "+
					"\"@a,@b\" for either of two and \"@a && ~@b\" for both", expression, term)
			}
		}
	}
	return nil
}
