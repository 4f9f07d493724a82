package diagnosis

import "testing"

func TestSorted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ log, want string }{
		"both": {
			"started\ncan't parse ns-1/shop\nreloaded\nns-1/cart has no Service\n",
			"About namespace ns-1:\ncan't parse ns-1/shop\nns-1/cart has no Service\n\nOthers:\nstarted\nreloaded\n",
		},
		"none":  {"started\n", "started\n"},
		"all":   {"ns-1/shop\n", "ns-1/shop\n"},
		"empty": {"", ""},
	} {
		if got := sorted(c.log, "ns-1"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
