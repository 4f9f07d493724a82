package proxy

// ordinals number names densely. A name keeps its number for as long as it is kept; numbers that became free are
// given again.
type ordinals struct {
	byName map[string]int
	free   []int
}

// of returns the number of a name, a new one if it has none.
func (o *ordinals) of(name string) int {
	if ordinal, known := o.byName[name]; known {
		return ordinal
	}
	if o.byName == nil {
		o.byName = make(map[string]int)
	}
	ordinal := o.len()
	if last := len(o.free) - 1; last >= 0 {
		ordinal = o.free[last]
		o.free = o.free[:last]
	}
	o.byName[name] = ordinal
	return ordinal
}

// keep frees the numbers of all names but the wanted.
func (o *ordinals) keep(wanted func(name string) bool) {
	for name, ordinal := range o.byName {
		if !wanted(name) {
			delete(o.byName, name)
			o.free = append(o.free, ordinal)
		}
	}
}

// len is the smallest number above all that were given.
func (o *ordinals) len() int { return len(o.byName) + len(o.free) }
