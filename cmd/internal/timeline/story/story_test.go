package story_test

import (
	"testing"

	"sunsetwatch/cmd/internal/timeline/story"
	"sunsetwatch/rules"
)

// The story has what its readers test.
func TestStoryHasSomethingOfEverything(t *testing.T) {
	s, err := story.Tell(story.Options{Days: true, Life: true})
	if err != nil {
		t.Fatal(err)
	}
	kinds, states := map[string]int{}, map[rules.State]int{}
	var disputed, suppressed, estimated, byPerson int
	for _, f := range s.Findings {
		kinds[f.Kind]++
		states[f.State]++
		if f.Dispute != nil {
			disputed++
		}
		if f.SuppressedBy != nil {
			suppressed++
		}
		if !f.PeopleExact {
			estimated++
		}
		if f.Closure != nil && f.Closure.By != "" {
			byPerson++
		}
		if len(f.History) == 0 {
			t.Errorf("%s has no history", f.ID)
		}
	}
	if len(kinds) < 8 || states[rules.Open] == 0 || states[rules.Quiet] == 0 || states[rules.Closed] == 0 {
		t.Errorf("kinds %v, states %v", kinds, states)
	}
	if disputed == 0 || suppressed == 0 || estimated == 0 || byPerson == 0 {
		t.Errorf("%d disputed, %d suppressed, %d estimated, %d closed by a person", disputed, suppressed, estimated, byPerson)
	}
}
