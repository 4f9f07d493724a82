package http

import (
	"testing"

	"github.com/ingress-testbed/testbed/reports/effect"
)

func TestStatusEffect(t *testing.T) {
	for _, c := range []struct {
		want, got int
		protects  bool
		effect    effect.Effect
	}{
		{401, 200, false, effect.ProtectionLost},
		{429, 204, false, effect.ProtectionLost},
		{503, 200, true, effect.ProtectionLost},
		{400, 101, true, effect.ProtectionLost},
		{308, 200, true, effect.ProtectionLost}, // to HTTPS, or to sign in
		{308, 200, false, effect.RedirectedDifferently},
		{401, 302, true, effect.RedirectedDifferently}, // a redirect gives nothing away
		{200, 302, false, effect.RedirectedDifferently},
		{301, 308, false, effect.RedirectedDifferently},
		{200, 404, true, effect.Lost},
		{302, 503, false, effect.Lost},
		{404, 200, false, effect.AnotherBackend},
		{200, 204, false, effect.AnswersDifferently},
		{401, 403, true, effect.AnswersDifferently},
		{503, 502, false, effect.AnswersDifferently},
	} {
		if got := statusEffect(c.want, c.got, c.protects); got != c.effect {
			t.Errorf("%d in place of %d (protection: %t): %s, want %s", c.got, c.want, c.protects, got, c.effect)
		}
	}
}

func TestStatusOfPattern(t *testing.T) {
	for expected, want := range map[string]int{"404": 404, "/4../": 400, "/[25]0./": 200, "/30[28]/": 302, "/x/": 0, "/(/": 0} {
		if got := statusOfPattern(expected); got != want {
			t.Errorf("%s: %d, want %d", expected, got, want)
		}
	}
}
