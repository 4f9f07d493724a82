package translate

import (
	"reflect"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate/certificates"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

// memory is what a Result keeps of its translation for After. It is not changed any more.
type memory struct {
	settings snapshot.Settings
	global   []any // what all parts depend on
	// parts by their first Ingress; that of nil is the common one.
	parts   map[*networkingv1.Ingress]rememberedPart
	secrets certificates.Cache
}

type rememberedPart struct {
	inputs []any
	part   *part
}

// After is Translate(s). It takes over from a previous Result the parts of the Snapshot whose objects are the same, so that
// it translates only what has changed. Decisions are those of the parts that it translated. Objects are the same if their
// pointers are; the previous Result may be the zero value, or any other.
func After(previous Result, s *snapshot.Snapshot) Result {
	next, made, fresh := advance(previous.memory, s)
	result, possible := merge(made.common, s, made.parts, fresh)
	if !possible {
		result = Translate(s)
	}
	result.memory = next
	return result
}

// ProblemsAfter are the Problems of After.
func ProblemsAfter(previous Result, s *snapshot.Snapshot) []problem.Problem {
	_, made, _ := advance(previous.memory, s)
	return problemsOf(made.common, s, made.parts)
}

// translated is a Snapshot's translation, in parts.
type translated struct {
	common *common
	parts  []*part
}

// advance translates the parts of a Snapshot that the memory doesn't have. Those are returned as fresh, too.
func advance(previous *memory, s *snapshot.Snapshot) (next *memory, made translated, fresh []*part) {
	next = &memory{settings: s.Settings, global: s.GlobalInputs(), secrets: certificates.Cache{}}
	if previous == nil || !slices.Equal(previous.global, next.global) || !reflect.DeepEqual(previous.settings, next.settings) {
		previous = &memory{}
	}
	for _, secret := range s.Secrets {
		if parsed, known := previous.secrets[secret]; known {
			next.secrets[secret] = parsed
		}
	}
	parts := s.Parts()
	next.parts = make(map[*networkingv1.Ingress]rememberedPart, len(parts))
	made = translated{common: readCommon(s, next.secrets), parts: make([]*part, 0, len(parts))}
	for _, p := range parts {
		var first *networkingv1.Ingress
		if !p.Common {
			first = p.Ingresses[0]
		}
		now := rememberedPart{inputs: p.Inputs()}
		if former, known := previous.parts[first]; known && slices.Equal(former.inputs, now.inputs) {
			now = former
		} else {
			now.part = made.common.translate(p.Snapshot(), p.Common)
			fresh = append(fresh, now.part)
		}
		next.parts[first] = now
		made.parts = append(made.parts, now.part)
	}
	return next, made, fresh
}
