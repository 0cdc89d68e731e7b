// Package web answers HTTP: metrics, health, readiness, reload, and the API of
// findings and status.
//
// The package refuses to judge, to keep state and to reload by itself: it asks
// functions that the daemon gives it. It answers GET and HEAD, and POST and PUT
// for a reload; every error of the API is a JSON object with the one key
// "error".
//
// Concurrency: a handler is safe for concurrent use, as the functions in its
// Options must be. Serve runs one goroutine per listener, and has ended them all
// when it returns.
package web
