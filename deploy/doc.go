// Package deploy holds what runs around sunsetwatch: the alert rules for
// Prometheus, the routes for Alertmanager, the dashboards for Grafana, and the
// example configuration; and the tests that hold them against each other.
//
// The rules and the dashboards are generated (`make generate`) and committed. The
// package only renders text: it reads no file, opens no connection and is imported
// by tests and by deploy/generate alone. Everything in it is safe for concurrent
// use.
package deploy

//go:generate go run ./generate
