//go:build race

package fetch_test

// underRace: the race detector allocates, and lets pools forget.
const underRace = true
