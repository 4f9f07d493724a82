package main

import "testing"

func TestPlace(t *testing.T) {
	two, three, four := []int{0, 1}, []int{4, 5, 6}, []int{0, 1, 2, 3}
	for _, c := range []struct {
		cores  []int
		wanted int
		alone  bool
		want   placement
	}{
		{two, 1, false, placement{"0", "1", "1"}},
		{two, 2, false, placement{"0,1", "0,1", "0,1"}},
		{three, 1, false, placement{"4", "5", "6"}},
		{four, 2, false, placement{"0,1", "2", "3"}},
		{two, 1, true, placement{"0", "0", "1"}},
		{three, 2, true, placement{"4,5", "4,5", "6"}},
		{four, 2, true, placement{"0,1", "2", "3"}},
		{four, 1, true, placement{"0", "1", "3"}},
	} {
		got, err := place(c.cores, c.wanted, c.alone)
		if err != nil || got != c.want {
			t.Errorf("%d of %v, alone %t: got %+v, %v, want %+v", c.wanted, c.cores, c.alone, got, err, c.want)
		}
	}
	for _, alone := range []bool{false, true} {
		if got, err := place(two[:1], 2, alone); err == nil {
			t.Errorf("two of one core: got %+v", got)
		}
	}
	if got, err := place(two, 2, true); err == nil {
		t.Errorf("three of two cores: got %+v", got)
	}
}
