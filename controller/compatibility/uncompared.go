package compatibility

// Uncompared are the differences that `testbed compare` finds on no Ingresses, and why.
func Uncompared() map[Difference]string {
	return map[Difference]string{
		SessionStays:          "The stand-ins of a comparison don't fail.",
		PlainErrors:           "The requests of a comparison are no calls of gRPC.",
		BackendTLSNeedsSecret: "The stand-ins of a comparison don't say which name they were sent.",
		ClassField:            "The Ingresses of a comparison get the class of the controller, in the field alone.",
	}
}
