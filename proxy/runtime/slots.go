package runtime

// slots number names densely. A name keeps its slot for as long as it is kept; slots that became free are used again.
type slots struct {
	byName map[string]int
	free   []int
}

// of returns the slot of a name, a new one if it has none.
func (s *slots) of(name string) int {
	if slot, known := s.byName[name]; known {
		return slot
	}
	if s.byName == nil {
		s.byName = make(map[string]int)
	}
	slot := s.len()
	if last := len(s.free) - 1; last >= 0 {
		slot = s.free[last]
		s.free = s.free[:last]
	}
	s.byName[name] = slot
	return slot
}

// keep frees the slots of all names but those for which wanted returns true.
func (s *slots) keep(wanted func(name string) bool) {
	for name, slot := range s.byName {
		if !wanted(name) {
			delete(s.byName, name)
			s.free = append(s.free, slot)
		}
	}
}

// len is the smallest number above all slots in use.
func (s *slots) len() int { return len(s.byName) + len(s.free) }
