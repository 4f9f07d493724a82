package suite

import (
	"fmt"
	"regexp"
	"strings"
)

var tagTerm = regexp.MustCompile(`^~?@[^\s@~,&()]+$`)

// checkTags refuses tag expressions that godog would quietly take for a tag that nobody has, and so select nothing or
// everything: it knows "~", "," and "&&", not the words "not", "or" and "and" of newer Cucumbers.
func checkTags(expression string) error {
	if expression == "" {
		return nil
	}
	for conjunct := range strings.SplitSeq(expression, "&&") {
		for term := range strings.SplitSeq(conjunct, ",") {
			if term = strings.TrimSpace(term); !tagTerm.MatchString(term) {
				return fmt.Errorf("the tag expression %q can't be read at %q: write @a for a tag, ~@a for its absence, "+
					"\"@a,@b\" for one of two and \"@a && ~@b\" for both", expression, term)
			}
		}
	}
	return nil
}
