package translate

import (
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/proxy/quirk"
)

// quirks are what the proxy does with messages as ingress-nginx does in a mode.
func quirks(mode compatibility.Mode) quirk.Set {
	var set quirk.Set
	for difference, quirks := range map[compatibility.Difference]quirk.Set{
		compatibility.HostField:       quirk.HostField,
		compatibility.LooseHosts:      quirk.LooseHosts,
		compatibility.RequestLines:    quirk.RequestLines,
		compatibility.HeaderLimits:    quirk.HeaderStatus,
		compatibility.NoAllow:         quirk.NoAllow,
		compatibility.LoneUpgrade:     quirk.LoneUpgrade,
		compatibility.NominatedFields: quirk.NominatedFields,
		compatibility.Accel:           quirk.Accel,
		compatibility.PlainErrors:     quirk.PlainErrors,
	} {
		if mode.Reproduces(difference) {
			set |= quirks
		}
	}
	return set
}
