// Package daemon runs sunsetwatch on a live topic: it joins the consumer, the
// ledger, the detector, the saved state, the exporter and the web endpoints.
//
// The package refuses to judge, to decode and to know Kafka: it wires, saves,
// reloads and stops in order. Run may be embedded, as the demo and the tests do.
//
// Concurrency: one mutex guards the ledger and the detector. A partition's
// worker takes it once per batch; the judging goroutine takes it once per
// second and to collect what is to be saved, and never during I/O.
package daemon
