package document

import "strings"

// Nearest is the word of words that somebody who wrote word most likely meant;
// empty where none is near.
func Nearest(word string, words []string) string {
	if len(word) > 64 { // no word of ours is that long, and the distance is quadratic
		return ""
	}
	best, bestDistance := "", len(word)/3+2
	for _, w := range words {
		if d := distance(strings.ToLower(word), w); d < bestDistance && d < len(w) {
			best, bestDistance = w, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours between a and b.
func distance(a, b string) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}

func didYouMean(word string, words []string) string {
	if near := Nearest(word, words); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}
