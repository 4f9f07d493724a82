package runtime

import "testing"

func TestSlots(t *testing.T) {
	var s slots
	for i, name := range []string{"a", "b", "c", "b"} {
		if got := s.of(name); got != []int{0, 1, 2, 1}[i] {
			t.Errorf("%s: got %d", name, got)
		}
	}
	s.keep(func(name string) bool { return name != "b" })
	if s.len() != 3 || s.of("c") != 2 {
		t.Error("a name that is kept has lost its slot")
	}
	if got := s.of("d"); got != 1 || s.len() != 3 {
		t.Errorf("got the slot %d of %d, want the one that is free", got, s.len())
	}
	if got := s.of("b"); got != 3 {
		t.Errorf("got %d", got)
	}
}
