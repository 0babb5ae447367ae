package format

import "fmt"

// Unfit is why a value, or a column, can't be written in the job's format. It is the same the next time.
type Unfit struct {
	Code    string // stable, for programs: "too_wide", "unmappable", "columns", "too_large"
	Message string
}

func (u *Unfit) Error() string { return u.Message }

func unfit(code, message string, args ...any) *Unfit {
	return &Unfit{Code: code, Message: fmt.Sprintf(message, args...)}
}
