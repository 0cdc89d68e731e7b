// Package table keeps facts in a Parquet file, for queries by others and for
// judging them again without the events: one row for what was counted of one
// cell in one month, between two instants at which the terms of its pair change.
// Its columns are described in columns.md.
//
// It is strict: a file of another format, of another program or of another
// subject key is refused, and so is one that is damaged, with the reason; a file
// that is made to harm is an error and no panic. It refuses to know files and
// directories: it writes to a writer and reads from a reader of the caller's.
// Nobody's id is in a file, only hashes with the secret subject key.
//
// Concurrency: one goroutine for a Reader; functions are independent.
package table
