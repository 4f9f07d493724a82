package mutants

// chance is the reason of survivors that a scenario finds now and then.
const chance = "the difference is one of chance or time"

// survivors are the mutants that no scenario finds in process, with the reason. A test fails if one of them is found, unless the
// reason is chance.
func survivors() map[string]string {
	const (
		everywhere = "all routes of a table have it, so that a neighbour gets nothing new"
		missing    = "no scenario has a table with it yet"
		unnoticed  = "no scenario looks at it yet"
	)
	return map[string]string{
		"access.Block neighbour":             everywhere,
		"access.ClientCertificate neighbour": "all paths of a host have it, and no scenario has another host with them yet",
		"mirroring.Mirror inverted":          unnoticed,
		"mirroring.Mirror neighbour":         missing,
		"policy.Compress neighbour":          everywhere,
		"policy.HSTS neighbour":              everywhere,
		"policy.ReplyHeader ignored":         missing,
		"policy.ReplyHeader neighbour":       missing,
		"policy.Retry neighbour":             missing,
		"replying.Hide neighbour":            everywhere,
		"replying.Server ignored":            missing,
		"replying.Server inverted":           missing,
		"replying.Server neighbour":          missing,
		"rewriting.Field neighbour":          everywhere,
		"selecting.HashBy neighbour":         unnoticed,
		"selecting.Latency ignored":          chance,
		"selecting.Latency neighbour":        chance,
		"table.ClientTLS neighbour":          unnoticed,
		"table.DefaultCertificate ignored":   "the flag is one of the installation, which is not run in process",
		"table.ProxyProtocol ignored":        missing,
		"table.Streams ignored":              "ports are not forwarded in process",
		"upstream.TLS.Certificate ignored":   unnoticed,
		"upstream.TLS.MinVersion ignored":    missing,
		"upstream.TLS.VerifyDepth ignored":   unnoticed,
	}
}
