//go:build !race

package archive

// underRace: the race detector allocates, and lets pools forget.
const underRace = false
