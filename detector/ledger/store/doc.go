// Package store keeps the state of a running instance on disk: facts,
// positions and findings, in one bbolt file and its verified copy.
//
// A state directory holds
//
//	lock                        held by the kernel for the one process that uses the directory
//	state.db                    the state, as of the last save
//	state.db.copy               the state as of the last Copy, verified before it was put there
//	state.db.damaged-TIME       a file that failed the check at start, kept for a person to look at
//	subject.key                 the key that hashes people, where the configuration names no other
//	rejected.ndjson             where rejected events are and why, never what is in them
//
// To be independent of what facts look like, the store keeps opaque keys and
// values. Each value carries a CRC-32C over key and value, and the state as a
// whole carries, per bucket, the number of its entries and the sum of their
// checksums. So a page that was lost, or an old one that came back, is found
// as well as a flipped bit. Open walks the file with bounds on every step
// before bbolt may map it into memory: damaged bytes lead to the copy, never
// to a panic and never to wrong values.
//
// The package refuses to know what keys and values mean, what time it is, and
// whether to go on without a state: it returns a Report, and its caller logs
// and decides. It starts no goroutines.
//
// Concurrency: methods of a Store may be called from several goroutines; Save
// goes on while Copy runs. A Changes belongs to one goroutine. A Rejections
// may be shared.
package store
