package matrix

// columns are the runs of a Matrix, in the order of its table.
type columns []Run

func (c columns) all() []int {
	runs := make([]int, len(c))
	for i := range runs {
		runs[i] = i
	}
	return runs
}

func (c columns) labels(runs []int) []string {
	var labels []string
	for _, run := range runs {
		labels = append(labels, c[run].Label)
	}
	return labels
}

// compared are the runs in which scenarios ran.
func (c columns) compared() []int {
	var compared []int
	for i := range c {
		if r := c[i].Results; r != nil {
			if counts := r.Count(); counts.NotRun < counts.Total {
				compared = append(compared, i)
			}
		}
	}
	return compared
}
