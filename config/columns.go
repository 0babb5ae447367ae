package config

// TargetColumns are the columns that are loaded: all but the ignored ones.
func (j *Job) TargetColumns() []Column {
	var columns []Column
	for _, c := range j.Columns {
		if !c.Ignore {
			columns = append(columns, c)
		}
	}
	return columns
}

// Returned tells whether a name says that the file holds refused records that come back, mended: orders.rejects.csv.
func (j *Job) Returned(name string) bool {
	_, ok := withoutRejects(name)
	return ok
}
