package mutants

// chance is the reason of survivors that a scenario finds now and then.
const chance = "the difference is one of chance or time"

// survivors are the mutants that no scenario finds in process, with the reason. A test fails if one of them is found, unless the
// reason is chance.
func survivors() map[string]string {
	return map[string]string{
		"policy.HSTS neighbour":       "only in the compatibility mode do routes lack it, and no scenario asks for one that gets it",
		"selecting.Latency ignored":   chance,
		"selecting.Latency neighbour": chance,
	}
}
