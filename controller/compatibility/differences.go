package compatibility

// Difference names one difference.
type Difference string

// The differences, in the order of the document.
const (
	CanaryByService    Difference = "canary-by-service"
	TLSSectionForHosts Difference = "tls-section-for-all-hosts"
)

// Row is what a Difference is.
type Row struct {
	Difference Difference
	// Theirs is what ingress-nginx does, Ours what this controller does by default, and Why the reason.
	Theirs, Ours, Why string
	// Test is a case in controller/translate/testdata, which is translated in both modes, or "package: TestName".
	Test string
}

// Rows are all differences.
func Rows() []Row {
	return []Row{
		{
			CanaryByService,
			"A canary gets requests for every host and path whose main Service is that of the path it names.",
			"A canary gets requests for the hosts and paths that it names.",
			"Another host that happens to have the same Service is not part of the roll-out.",
			"difference-canary-by-service",
		},
		{
			TLSSectionForHosts,
			"A tls section redirects all hosts of its Ingress to HTTPS, where those that it doesn't list have the default certificate.",
			"Hosts are redirected that a tls section lists, or that its certificate names.",
			"Clients reject the default certificate, so that the other hosts can't be reached any more.",
			"difference-tls-section-for-all-hosts",
		},
	}
}
