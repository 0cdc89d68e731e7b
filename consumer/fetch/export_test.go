package fetch

// Buffer is the size of the buffer that the reader inflates into.
func (r *Reader) Buffer() int { return cap(r.inflater.out) }
