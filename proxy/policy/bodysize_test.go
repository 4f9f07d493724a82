package policy

import "testing"

func TestBodySize(t *testing.T) {
	if got := compile(t, BodySize{5}).Settings; got != (Settings{BodyLimit: 5}) {
		t.Errorf("got %+v", got)
	}
}
