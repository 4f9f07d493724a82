package theme

import (
	_ "embed"
	"html/template"

	"github.com/ingress-testbed/testbed/reports/effect"
)

//go:embed effects.css
var effectStyle string

// EffectStyle is the style sheet of pages that group by effect, beside Style.
func EffectStyle() template.CSS { return template.CSS(effectStyle) }

// Gravity is the class of the style sheet that colours an effect: gravest, grave, light or least.
func Gravity(e effect.Effect) string {
	switch {
	case e == effect.ProtectionLost:
		return "gravest"
	case e >= effect.Lost:
		return "grave"
	case e >= effect.AnswersDifferently:
		return "light"
	}
	return "least"
}
