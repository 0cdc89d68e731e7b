// Package fetch reads records from Kafka: the Fetch request (version 11) over
// kafka-go's transport, the record-batch Reader, and the calls that a consumer
// needs beside them (leaders, offsets, commits).
//
// kafka-go does dialling, TLS, SASL, metadata and routing to the broker; the
// bytes of request and response are ours, through protocol.RawExchanger. Every
// offset between two positions of a Reader ends in exactly one counter of
// access.Coverage.
//
// The package refuses to know what records mean, to retry, to log, and to
// decide where to start or when to give up: it returns what the broker said.
//
// Concurrency: a Client may be shared; a Reader belongs to one goroutine, and
// what it yields is valid until its next call.
package fetch
