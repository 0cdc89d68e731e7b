package replay

import "fmt"

// BadInput is an error of usage, configuration or input: nothing was judged.
type BadInput struct{ Err error }

func (e *BadInput) Error() string { return e.Err.Error() }

func (e *BadInput) Unwrap() error { return e.Err }

func bad(format string, args ...any) error { return &BadInput{fmt.Errorf(format, args...)} }

// Interrupted is the error of a run that was stopped. Nothing was judged; Kept
// says whether it can be resumed.
type Interrupted struct {
	Kept   bool
	Reason string // why it cannot
}

func (e *Interrupted) Error() string {
	if e.Kept {
		return "interrupted: go on with the same command and --resume"
	}
	return "interrupted: " + e.Reason
}
