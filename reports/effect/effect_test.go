package effect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/reports/effect"
)

func TestAllBeginsWithTheGravest(t *testing.T) {
	all := effect.All()
	if !slices.IsSortedFunc(all, func(a, b effect.Effect) int { return int(b - a) }) || all[0] != effect.ProtectionLost {
		t.Errorf("order %v", all)
	}
	if last := all[len(all)-1]; len(all) != int(all[0]) || last != effect.None+1 {
		t.Errorf("%v lacks an effect", all)
	}
}

func TestEffectsAreWrittenAndReadByName(t *testing.T) {
	for _, e := range append(effect.All(), effect.None) {
		name, err := e.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var read effect.Effect
		if err := read.UnmarshalText(name); err != nil || read != e {
			t.Errorf("%s is read as %s: %v", name, read, err)
		}
		if (e == effect.None) != (e.Meaning() == "") {
			t.Errorf("%s means %q", e, e.Meaning())
		}
	}
	var e effect.Effect
	if err := e.UnmarshalText([]byte("grave")); err == nil || !strings.Contains(err.Error(), "grave: it is one of protection lost, ") {
		t.Errorf("an unknown effect: %v", err)
	}
}
