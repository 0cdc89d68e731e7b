package codec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/rules/access"
)

// members are members of an event, some that do not pass, and what is not even
// JSON; a random event is some of them in a random order.
var someMembers = []string{
	`"time":"2015-07-01T00:00:00Z"`, `"principal":"p"`, `"feature":"f"`, `"operation":"read"`, `"id":"x"`, `"scopes":["b","a"]`,
	`"subject":"u1"`, `"grantor":"u2"`, `"consent":"granted"`, `"outcome":"served"`, `"records":0`, `"bytes":12`,
	`"x":1`, `"y":{"x":1,"y":{"x":2}}`, `"a_name_of_more_than_sixteen_bytes":"x"`, `"a_name_of_more_than_sixteen_chars":true`, `"z":null`, `"w":[]`,
	`"long":"` + strings.Repeat("x", 100) + `"`, ` "spaced" : "x" `, `"spaced":"x"`, "\n  \"pretty\": 1", "\n  \"time\": \"2015-07-01T00:00:00Z\"",
	`"\u0078":1`, `"princip\u0061l":"q"`, `"n":-1.5e3`, `"n":01`, `"m":12x`, `"records":1.0`, `"é":"é"`, `"q":"\q"`, "\"c\":\"\x01\"", `"t":"a\tb"`,
	`"time":2015`, `"id":"","x":1`, `"u":"` + "\xff" + `"`,
}

func randomEvent(rnd *rand.Rand, base []int) []byte {
	order := slices.Clone(base)
	for range rnd.IntN(4) {
		switch i := rnd.IntN(len(order)); rnd.IntN(4) {
		case 0:
			order = slices.Delete(order, i, i+1)
		case 1:
			order = slices.Insert(order, i, rnd.IntN(len(someMembers)))
		case 2:
			order[i] = rnd.IntN(len(someMembers))
		case 3:
			j := rnd.IntN(len(order))
			order[i], order[j] = order[j], order[i]
		}
		if len(order) == 0 {
			break
		}
	}
	var parts []string
	for _, i := range order {
		parts = append(parts, someMembers[i])
	}
	event := []byte("{" + strings.Join(parts, ",") + "}")
	if rnd.IntN(20) == 0 {
		event[rnd.IntN(len(event))] = byte(rnd.Uint32())
	}
	if rnd.IntN(50) == 0 {
		event = event[:rnd.IntN(len(event))]
	}
	return event
}

// TestLearnedIsStrict holds a decoder that learns against one that does not, on
// streams of events that are like one another, less like one another, and not
// at all.
func TestLearnedIsStrict(t *testing.T) {
	mappings := map[string]Mapping{
		"native": {},
		"mapped": {Fields: map[string]Rule{"time": {Path: "y.time | time"}, "principal": {Path: "y.y.x"}, "id": {Path: "a_name_of_more_than_sixteen_bytes"}}},
	}
	for name, mapping := range mappings {
		c := compile(t, mapping)
		for seed := range uint64(6) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			strict, learned := strictDecoder(c), c.NewDecoder()
			accepted := 0
			var bases [2][]int
			for i := range bases {
				bases[i] = rnd.Perm(12)
				bases[i] = append(bases[i], 12+rnd.IntN(10), 14, 13)
				rnd.Shuffle(len(bases[i]), func(a, b int) { bases[i][a], bases[i][b] = bases[i][b], bases[i][a] })
			}
			for i := range 2_000 {
				event := randomEvent(rnd, bases[i*rnd.IntN(2)%2])
				r := &Record{Value: event, Timestamp: access.End}
				want, got := outcomes(strict, r), outcomes(learned, r)
				if !slices.Equal(want, got) {
					t.Fatalf("%s, stream %d, event %d: %s\nlearned: %s\n strict: %s", name, seed, i, event, got, want)
				}
				if strings.HasPrefix(got[0], "{") {
					accepted++
				}
			}
			if accepted == 0 || accepted == 2_000 {
				t.Errorf("%s, stream %d: %d events accepted, a mixture is wanted", name, seed, accepted)
			}
		}
	}
}

// TestLayoutForgets goes through what a layout does with a producer that has no
// order: it learns more names than it has numbers for, rests, and still finds
// every duplicate.
func TestLayoutForgets(t *testing.T) {
	d := compile(t, Mapping{}).NewDecoder()
	rested := 0
	for i := range 3 * watched {
		event := minimal[:len(minimal)-1]
		for j := range 70 {
			event += fmt.Sprintf(`,"n%d-%d":%d`, i, j, j)
		}
		if _, rej := one(t, d, value(event+"}")); rej != nil {
			t.Fatalf("event %d: rejected %v", i, rej)
		}
		if d.layouts[0].resting > 0 {
			rested++
		}
		for _, j := range []int{0, 69} {
			again := fmt.Sprintf(`,"\u006e%d-%d":1}`, i, j)
			if _, rej := one(t, d, value(event+again)); rej == nil || rej.Reason != access.DuplicateField {
				t.Fatalf("event %d: a duplicate is rejected as %v", i, rej)
			}
		}
	}
	if rested == 0 || rested == 3*watched {
		t.Errorf("the layout rested at %d of %d events", rested, 3*watched)
	}
}

func TestNoAllocations(t *testing.T) {
	mapped := cloudTrail()
	mapped.Explode = ""
	exploded := []byte(`{"Records":[` + cloudTrailEvent + `,` + cloudTrailEvent + `]}`)
	wide := minimal[:len(minimal)-1]
	for i := range 100 {
		wide += fmt.Sprintf(`,"name%d":{"x":%d}`, i, i)
	}
	wide += "}"
	headers := []Header{{[]byte("x-user"), []byte("u1")}}
	for name, test := range map[string]struct {
		mapping Mapping
		events  [][]byte
	}{
		"native":           {Mapping{}, nativeEvents(100, false)},
		"native, shuffled": {Mapping{}, nativeEvents(100, true)},
		"escapes":          {Mapping{}, [][]byte{[]byte(with(`"\u0069d":"\u00e9","subject":"a\nb"`))}},
		"many names":       {Mapping{}, [][]byte{[]byte(wide)}},
		"many scopes":      {Mapping{}, [][]byte{[]byte(with(`"scopes":"f e d c b a"`))}},
		"mapped":           {mapped, [][]byte{[]byte(cloudTrailEvent)}},
		"exploded":         {cloudTrail(), [][]byte{exploded}},
	} {
		c := compile(t, test.mapping)
		for kind, d := range map[string]*Decoder{"strict": c.newDecoder(), "learned": c.NewDecoder()} {
			events := 0
			r := Record{Headers: headers, Timestamp: access.End}
			run := func() {
				for _, r.Value = range test.events {
					d.Reset(&r)
					for {
						ev, rej, ok := d.Next()
						if !ok {
							break
						}
						if ev == nil {
							t.Fatalf("%s: rejected: %s", name, rej.Detail)
						}
						events++
					}
				}
			}
			for range 100 {
				run()
			}
			if n := testing.AllocsPerRun(100, run); n > 0 {
				t.Errorf("%s, %s: %v allocations in %d events", name, kind, n, len(test.events))
			}
			if events == 0 {
				t.Errorf("%s, %s: no events", name, kind)
			}
		}
	}
}
